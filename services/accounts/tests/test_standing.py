"""Who manages users doesn't come by more than he has: neither by groups, others' passwords nor their removal."""

from __future__ import annotations

from typing import Any

import pytest

from services.accounts.tests.served import IAM, RAW, TENANT, USERS, Asked
from services.accounts.tests.stage import PASSWORD, Stage
from services.accounts.tests.test_kinds import MERGE_PATCH, signs_in
from services.accounts.tests.test_rest import user_body, workspace_body

ROLE = "iam.kubesphere.io/globalrole"
HR = {"manages_users": True, "deletes_users": True, "sets_passwords": True, "everything": False}


@pytest.fixture
async def hr(ask: Asked) -> Asked:
    """With `hr`, who manages users, and a group that is bound to platform-admin."""
    await ask("POST", USERS, user_body("hr"))
    ask.answers["hr"] = HR
    binding = {
        "metadata": {"name": "bosses"},
        "subjects": [{"kind": "Group", "name": "bosses"}],
        "roleRef": {"kind": "GlobalRole", "name": "platform-admin"},
    }
    assert (await ask("POST", RAW + "/globalrolebindings", binding)).status == 201
    return ask


def in_groups(name: str, *groups: str) -> dict[str, Any]:
    """A user in these groups, without a global role."""
    body = user_body(name)
    body["metadata"]["annotations"].pop(ROLE, None)
    body["spec"]["groups"] = list(groups)
    return body


@pytest.mark.parametrize("path", [USERS, RAW + "/users"])
async def test_a_group_lends_no_rights(hr: Asked, path: str) -> None:
    """Neither a new user nor oneself is put in a group that is allowed more; a group of nothing is free."""
    assert (await hr("POST", path, in_groups("eve", "bosses"), who="hr")).status == 403
    own = (await hr("GET", USERS + "/hr")).json
    own["spec"]["groups"] = ["bosses"]
    assert (await hr("PUT", f"{path}/hr", own, who="hr")).status == 403
    assert (await hr("POST", path, in_groups("eve", "team"), who="hr")).status in (200, 201)


@pytest.mark.parametrize("group", ["system:masters", "system:authenticated", "pre-registration"])
async def test_nobody_is_put_in_a_group_of_the_platform(hr: Asked, group: str) -> None:
    """Whoever asks."""
    for path in (USERS, RAW + "/users"):
        refused = await hr("POST", path, in_groups("eve", group))
        assert (refused.status, "spec.groups" in refused.text) == (422, True)


async def test_an_administrator_is_not_changed_by_who_manages_users(hr: Asked) -> None:
    """Password, state, role and removal, by both paths; the password stays."""
    admin = (await hr("GET", USERS + "/admin")).json
    demoted = {**admin, "metadata": {**admin["metadata"], "annotations": {ROLE: "platform-regular"}}}
    disabled = {**admin, "status": {"state": "Disabled"}}
    reset = {"spec": {"password": "N3wPassw0rd"}}
    for answer in (
        await hr("PUT", USERS + "/admin/password", {"password": "N3wPassw0rd"}, who="hr"),
        await hr("PUT", USERS + "/admin", demoted, who="hr"),
        await hr("PUT", USERS + "/admin", disabled, who="hr"),
        await hr("DELETE", USERS + "/admin", who="hr"),
        await hr("PATCH", RAW + "/users/admin", reset, media=MERGE_PATCH, who="hr"),
        await hr("PUT", RAW + "/users/admin", disabled, who="hr"),
        await hr("DELETE", RAW + "/users/admin", who="hr"),
        await hr("DELETE", RAW + "/globalrolebindings/admin", who="hr"),
    ):
        assert answer.status == 403, answer.text
    assert await signs_in(hr, "admin", PASSWORD)
    assert (await hr("GET", USERS + "/admin")).json["metadata"]["annotations"][ROLE] == "platform-admin"


async def test_who_holds_as_much_changes_him(hr: Asked) -> None:
    """What the gateway says of the rules decides, and nobody needs it for himself."""
    bob = user_body("bob")
    bob["metadata"]["annotations"][ROLE] = "platform-self-provisioner"
    await hr("POST", USERS, bob)
    new = {"password": "N3wPassw0rd"}
    assert (await hr("PUT", USERS + "/bob/password", new, who="hr")).status == 403
    hr.reviews.holds = True
    assert (await hr("PUT", USERS + "/bob/password", new, who="hr")).status == 200
    assert (await hr("DELETE", USERS + "/bob", who="hr")).status == 200


async def test_the_last_administrator_stays(ask: Asked, stage: Stage) -> None:
    """He is neither removed, disabled nor demoted, by nobody and no path; with another one beside him he may be."""
    ask.answers["root"] = ask.answers["admin"]
    admin = (await ask("GET", USERS + "/admin")).json
    demoted = {**admin, "metadata": {**admin["metadata"], "annotations": {ROLE: "platform-regular"}}}
    for method, target, body in (
        ("DELETE", USERS + "/admin", None),
        ("PUT", USERS + "/admin", {**admin, "status": {"state": "Disabled"}}),
        ("PUT", USERS + "/admin", demoted),
        ("DELETE", RAW + "/users/admin", None),
        ("DELETE", RAW + "/globalrolebindings/admin", None),
    ):
        refused = await ask(method, target, body, who="root")
        assert (refused.status, "the last active user" in refused.text) == (409, True), refused.text
    await stage.user("ann", "platform-admin")
    assert (await ask("PUT", USERS + "/admin", demoted, who="root")).status == 200


async def test_a_member_is_not_demoted_by_who_holds_less(ask: Asked) -> None:
    """Who manages members neither removes nor demotes one who is allowed more; himself he may remove."""
    for name in ("bob", "clerk"):
        await ask("POST", USERS, user_body(name))
    await ask("POST", TENANT + "/workspacetemplates", workspace_body("ws1"))
    ask.answers["clerk"] = {"everything": False}
    members = IAM + "/workspaces/ws1/workspacemembers"
    invited = [{"username": name, "roleRef": f"ws1-{role}"} for name, role in (("bob", "admin"), ("clerk", "viewer"))]
    assert (await ask("POST", members, invited)).status == 200
    demoted = {"username": "bob", "roleRef": "ws1-regular"}
    for answer in (
        await ask("DELETE", members + "/bob", who="clerk"),
        await ask("PUT", members + "/bob", demoted, who="clerk"),
        await ask("POST", members, [demoted], who="clerk"),
    ):
        assert (answer.status, '"bob"' in answer.text) == (403, True)
    role = (await ask("GET", members + "/bob")).json["metadata"]["annotations"]["iam.kubesphere.io/workspacerole"]
    assert role == "ws1-admin"
    assert (await ask("DELETE", members + "/clerk", who="clerk")).status == 200
    ask.reviews.holds = True
    assert (await ask("DELETE", members + "/bob", who="clerk")).status == 200
