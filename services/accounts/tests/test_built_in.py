"""Roles that the platform made stay, and allow what they allowed, whoever asks and by whichever path."""

from __future__ import annotations

import pytest

from services.accounts.tests.served import IAM, RAW, TENANT, Asked
from services.accounts.tests.test_kinds import MERGE_PATCH
from services.accounts.tests.test_rest import workspace_body

AGGREGATION = "iam.kubesphere.io/aggregation-roles"
HERE = "/workspaces/ws1/workspaceroles/"


@pytest.mark.parametrize(
    ("console", "raw"),
    [
        *(
            (IAM + "/globalroles/" + name, RAW + "/globalroles/" + name)
            for name in ("platform-admin", "platform-regular", "authenticated", "role-template-view-users")
        ),
        *((IAM + HERE + name, RAW + "/workspaceroles/" + name) for name in ("ws1-admin", "ws1-viewer")),
    ],
)
async def test_a_built_in_role_is_kept(ask: Asked, console: str, raw: str) -> None:
    """Removing it, other rules and other templates are refused, saying why; a description may be added."""
    await ask("POST", TENANT + "/workspacetemplates", workspace_body("ws1"))
    before = (await ask("GET", raw)).json
    other = {"metadata": {"annotations": {AGGREGATION: '["role-template-manage-users"]'}}}
    rules = {"rules": [{"verbs": ["get"], "apiGroups": ["*"], "resources": ["secrets"]}]}
    for answer in (
        await ask("DELETE", console),
        await ask("DELETE", raw),
        await ask("PATCH", console, other),
        await ask("PATCH", raw, other, media=MERGE_PATCH),
        await ask("PATCH", raw, rules, media=MERGE_PATCH),
    ):
        assert (answer.status, "built-in role" in answer.text) == (403, True), answer.text
    assert (await ask("GET", raw)).json == before
    described = {"metadata": {"annotations": {"kubesphere.io/description": "kept"}}}
    assert (await ask("PATCH", console, described)).status == 200
    assert (await ask("GET", raw)).json["rules"] == before["rules"]


async def test_built_in_roles_go_with_their_workspace(ask: Asked) -> None:
    """Removing the workspace removes them."""
    await ask("POST", TENANT + "/workspacetemplates", workspace_body("ws1"))
    assert (await ask("DELETE", TENANT + "/workspacetemplates/ws1")).status == 200
    assert (await ask("GET", RAW + "/workspaceroles/ws1-admin")).status == 404
