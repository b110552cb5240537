"""What alerting does about events: its own wake the evaluation, the cluster's say whose a namespace is."""

from __future__ import annotations

from libs.shared.contracts.alerting_v1 import RuleGroupChanged, RuleGroupCreated, RuleGroupDeleted
from libs.shared.contracts.cluster_v1 import ProjectGone, ProjectObserved
from libs.shared.event import Envelope
from libs.shared.service import Follow, On
from libs.shared.store.protocol import Unit
from services.alerting.commands import project as commands
from services.alerting.parts import Parts


async def keep_project(unit: Unit, event: ProjectObserved) -> None:
    """Note whose the namespace is."""
    await commands.keep_project(unit, event.project, uid=event.uid, workspace=event.workspace)


async def remove_project(unit: Unit, event: ProjectGone) -> None:
    """Remove the namespace's rule groups with it; what fires of them is over."""
    await commands.forget_project(unit, event.project, uid=event.uid)


async def ring(
    event: RuleGroupCreated | RuleGroupChanged | RuleGroupDeleted,  # noqa: ARG001  # a follower's signature
    envelope: Envelope,  # noqa: ARG001  # the same
    parts: Parts,
) -> None:
    """Look at the groups again, in whichever process they are evaluated."""
    parts.news.tell()


REACTIONS = (On(ProjectObserved, keep_project), On(ProjectGone, remove_project))
FOLLOWS = (Follow(RuleGroupCreated, ring), Follow(RuleGroupChanged, ring), Follow(RuleGroupDeleted, ring))
