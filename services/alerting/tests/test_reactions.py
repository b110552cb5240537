"""What alerting does about projects that come and go."""

from __future__ import annotations

from pathlib import Path

from libs.shared.contracts.cluster_v1 import ProjectGone, ProjectObserved
from services.alerting.domain.group import RuleGroup
from services.alerting.tests.stage import Series, made, opened, outbox, rule, told
from services.alerting.workers import evaluate_group


async def test_alert_names_the_workspace_of_its_project(tmp_path: Path) -> None:
    """What fires in a project is told for the project's workspace, so that its members see it in the log."""
    async with opened(tmp_path, Series({"up": [({}, 1)]})) as parts:
        event = ProjectObserved(project="shop", uid="1", workspace="orchard", phase="Active")
        await told(parts, event)
        await told(parts, event)
        await evaluate_group(await made(parts, rule("Up", "up")), parts)
        (row,) = [r for r in await parts.store.outbox.waiting(99) if r.envelope.name == "AlertFiring"]
        assert row.envelope.workspace == "orchard"
        assert row.envelope.subject.startswith("alerts/")


async def test_groups_go_with_their_project(tmp_path: Path) -> None:
    """A project's rule groups are removed with it, once, and what fired is told to be over; another project's stay."""
    async with opened(tmp_path, Series({"up": [({}, 1)]})) as parts:
        await told(parts, ProjectObserved(project="shop", uid="1", workspace="orchard"), "a")
        await evaluate_group(await made(parts, rule("Up", "up")), parts)
        await told(parts, ProjectGone(project="shop", uid="0"), "b")
        assert await parts.store.of(RuleGroup).count() == 1, "another one of the same name is gone, not this one"
        gone = ProjectGone(project="shop", uid="1")
        await told(parts, gone, "c")
        await told(parts, gone, "c")
        assert await parts.store.of(RuleGroup).count() == 0
        assert await outbox(parts) == ["AlertFiring", "AlertResolved"]
