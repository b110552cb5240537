"""Where a workspace is placed is for those who manage clusters, by whichever path."""

from __future__ import annotations

from typing import Any

import pytest

from services.accounts.tests.served import TENANT, Asked
from services.accounts.tests.test_kinds import MERGE_PATCH
from services.accounts.tests.test_kinds import TEMPLATES as RAW
from services.accounts.tests.test_rest import workspace_body

ONE = TENANT + "/workspacetemplates/ws1"
PLACEMENT = {"clusters": [{"name": "host"}]}


async def placed(ask: Asked) -> dict[str, Any]:
    """Workspace ws1 on a cluster, and its template."""
    body = workspace_body("ws1")
    body["spec"]["placement"] = PLACEMENT
    assert (await ask("POST", TENANT + "/workspacetemplates", body)).status == 200
    found: dict[str, Any] = (await ask("GET", ONE)).json
    return found


@pytest.mark.parametrize(
    "patch",
    [
        [],
        [{"op": "remove", "path": "/spec/placement"}],
        [{"op": "remove", "path": "/spec/placement/clusters"}],
        [{"op": "add", "path": "/spec/placement/clusterSelector", "value": {}}],
        [{"op": "add", "path": "/metadata/labels/a", "value": "b"}],
    ],
)
async def test_an_outsider_patches_nothing(ask: Asked, patch: list[dict[str, Any]]) -> None:
    """Neither adding, removing, selecting nor an empty patch pass, known workspace or not."""
    before = await placed(ask)
    refused = await ask("PATCH", ONE, patch, who="bob")
    unknown = await ask("PATCH", TENANT + "/workspacetemplates/none", patch, who="bob")
    assert (refused.status, unknown.status) == (403, 403)
    assert refused.text.replace("ws1", "none") == unknown.text
    assert (await ask("GET", ONE)).json == before


@pytest.mark.parametrize("placement", [{}, {"clusters": []}, {**PLACEMENT, "clusterSelector": {}}])
async def test_changing_workspaces_is_not_placing_them(ask: Asked, placement: dict[str, Any]) -> None:
    """Who may change a workspace but manages no clusters takes it off none and selects none, by neither path."""
    before = await placed(ask)
    ask.answers["op"] = {"changes_workspaces": True, "removes_workspaces": True, "everything": True}
    moved = {**before, "spec": {**before["spec"], "placement": placement}}
    assert (await ask("PUT", ONE, moved, who="op")).status == 403
    assert (await ask("PUT", RAW + "/ws1", moved, who="op")).status == 403
    assert (await ask("GET", ONE)).json == before
    kept = {"metadata": {"annotations": {"a": "b"}}}
    assert (await ask("PATCH", RAW + "/ws1", kept, media=MERGE_PATCH, who="op")).status == 200


async def test_who_manages_clusters_places_and_no_more(ask: Asked) -> None:
    """He adds and removes clusters; anything else of the workspace he leaves alone."""
    await placed(ask)
    ask.answers["net"] = {"manages_clusters": True}
    off = [{"op": "remove", "path": "/spec/placement/clusters"}]
    assert (await ask("PATCH", ONE, off, who="net")).status == 200
    renamed = [{"op": "add", "path": "/metadata/annotations/a", "value": "b"}]
    assert (await ask("PATCH", ONE, renamed, who="net")).status == 403
