"""Roles through KubeSphere's routes: lists, templates, replacing, patching, and nobody making more than he holds."""

from __future__ import annotations

from typing import Any

import pytest

from services.accounts.tests.served import IAM, TENANT, USERS, Asked
from services.accounts.tests.test_rest import user_body, workspace_body

GLOBAL, HERE = IAM + "/globalroles", IAM + "/workspaces/ws1/workspaceroles"
AGGREGATION = "iam.kubesphere.io/aggregation-roles"


def role_body(name: str, *templates: str, **metadata: Any) -> dict[str, Any]:
    """A role of these templates as the console sends it."""
    listed = ", ".join(f'"role-template-{template}"' for template in templates)
    return {"metadata": {"name": name, "annotations": {AGGREGATION: f"[{listed}]"}, **metadata}, "rules": []}


def names(found: Any) -> list[str]:
    """The names in a list."""
    return [item["metadata"]["name"] for item in found["items"]]


async def test_lists_of_global_roles(ask: Asked) -> None:
    """Roles that have a creator, templates by label, and what a role is made of."""
    made = "?annotation=kubesphere.io/creator&sortBy=name&ascending=true"
    assert names((await ask("GET", GLOBAL + made)).json) == [
        "platform-admin", "platform-regular", "platform-self-provisioner",
    ]  # fmt: skip
    shown = (await ask("GET", GLOBAL + "?label=iam.kubesphere.io/role-template=true")).json
    hidden = (await ask("GET", GLOBAL + "?labelSelector=iam.kubesphere.io/role-template=false")).json
    assert (shown["totalItems"], hidden["totalItems"]) == (9, 4)
    assert names((await ask("GET", GLOBAL + "?aggregateTo=platform-regular")).json) == [
        "role-template-view-app-templates"
    ]
    assert (await ask("GET", GLOBAL + "?aggregateTo=none")).json == {"items": [], "totalItems": 0}
    missing = await ask("GET", GLOBAL + "/none")
    assert (missing.status, missing.text) == (404, 'globalrole.iam.kubesphere.io "none" not found\n')


async def test_a_global_role_from_making_to_removing(ask: Asked) -> None:
    """PUT with the version replaces, without one it is a second making (409); its holder's templates follow."""
    made = await ask("POST", GLOBAL, role_body("staff", "view-users"))
    assert made.status == 200
    unversioned = await ask("PUT", GLOBAL + "/staff", role_body("staff", "view-roles"))
    assert (unversioned.status, unversioned.text) == (409, 'globalroles.iam.kubesphere.io "staff" already exists\n')
    version = made.json["metadata"]["resourceVersion"]
    put = await ask("PUT", GLOBAL + "/staff", role_body("staff", "view-roles", resourceVersion=version))
    assert [rule["resources"] for rule in put.json["rules"]] == [["globalroles"]]
    stale = await ask("PUT", GLOBAL + "/staff", role_body("staff", "view-roles", resourceVersion=version))
    assert stale.status == 409
    renamed = await ask("PATCH", GLOBAL + "/staff", {"metadata": {"name": "other"}})
    assert renamed.status == 400
    bob = user_body("bob")
    bob["metadata"]["annotations"]["iam.kubesphere.io/globalrole"] = "staff"
    await ask("POST", USERS, bob)
    templates = (await ask("GET", USERS + "/bob/globalroles")).json
    assert [t["metadata"]["name"] for t in templates] == ["role-template-view-roles"]
    assert (await ask("DELETE", GLOBAL + "/staff")).json == {"message": "success"}
    assert (await ask("GET", USERS + "/bob/globalroles")).json == []
    assert (await ask("DELETE", GLOBAL + "/staff")).status == 404


async def test_lists_of_a_workspace_s_roles(ask: Asked) -> None:
    """Its own by default, each labelled with it; the shared templates when asked for them."""
    await ask("POST", TENANT + "/workspacetemplates", workspace_body("ws1"))
    own = (await ask("GET", HERE + "?sortBy=name&ascending=true")).json
    assert names(own) == ["ws1-admin", "ws1-regular", "ws1-self-provisioner", "ws1-viewer"]
    assert {item["metadata"]["labels"]["kubesphere.io/workspace"] for item in own["items"]} == {"ws1"}
    assert (await ask("GET", HERE + "?label=iam.kubesphere.io/role-template=true")).json["totalItems"] == 15
    assert (await ask("GET", HERE + "?labelSelector=iam.kubesphere.io/role-template")).json["totalItems"] == 19
    assert names((await ask("GET", HERE + "?aggregateTo=ws1-regular")).json) == [
        "role-template-view-workspace-settings"
    ]
    assert (await ask("GET", HERE + "?aggregateTo=system-workspace-admin")).json["items"] == []


async def test_a_workspace_s_role_from_making_to_removing(ask: Asked) -> None:
    """The label is forced, PATCH moves it nowhere, and the body's rules count for nothing."""
    await ask("POST", TENANT + "/workspacetemplates", workspace_body("ws1"))
    body = role_body("ws1-dev", "view-members", labels={"kubesphere.io/workspace": "system-workspace"})
    made = (await ask("POST", HERE, body)).json
    assert made["metadata"]["labels"] == {"kubesphere.io/workspace": "ws1"}
    moved = {"metadata": {"labels": {"kubesphere.io/workspace": "x", "a": "b"}}, "rules": [{"verbs": ["*"]}]}
    patched = (await ask("PATCH", HERE + "/ws1-dev", moved)).json
    assert patched["metadata"]["labels"] == {"kubesphere.io/workspace": "ws1", "a": "b"}
    assert patched["rules"] == made["rules"]
    version = patched["metadata"]["resourceVersion"]
    put = await ask("PUT", HERE + "/ws1-dev", role_body("ws1-dev", "view-roles", resourceVersion=version))
    assert [rule["resources"] for rule in put.json["rules"]] == [["workspaceroles"]]
    assert (await ask("PUT", HERE + "/ws1-dev", role_body("ws1-dev"))).status == 409
    assert (await ask("GET", HERE + "/ws1-dev")).status == 200
    assert (await ask("DELETE", HERE + "/ws1-dev")).json == {"message": "success"}
    missing = await ask("DELETE", HERE + "/ws1-dev")
    assert (missing.status, missing.text) == (404, 'workspacerole.iam.kubesphere.io "ws1-dev" not found\n')
    nowhere = await ask("POST", IAM + "/workspaces/none/workspaceroles", role_body("none-dev"))
    assert nowhere.status == 404


async def test_nobody_makes_a_role_of_more_than_he_holds(ask: Asked) -> None:
    """Making and changing are looked at alike, in the platform and in a workspace."""
    await ask("POST", TENANT + "/workspacetemplates", workspace_body("ws1"))
    ask.answers["clerk"] = {"everything": False}
    for path, name in ((GLOBAL, "staff"), (HERE, "ws1-dev")):
        assert (await ask("POST", path, role_body(name, "view-roles"), who="clerk")).status == 403
        assert (await ask("POST", path, role_body(name), who="clerk")).status == 200
        raised = {"metadata": {"annotations": {AGGREGATION: '["role-template-manage-roles"]'}}}
        assert (await ask("PATCH", f"{path}/{name}", raised, who="clerk")).status == 403
        assert (await ask("GET", f"{path}/{name}")).json["rules"] == []
    assert {asked["holds"][0]["workspace"] for asked in ask.reviews.asked} == {"", "ws1"}


async def test_roles_made_of_roles_stay_small(ask: Asked) -> None:
    """A role of roles of roles is refused before it is larger than every gateway could hold: nobody can grow rules
    without end by naming what he made again and again."""
    await ask("POST", TENANT + "/workspacetemplates", workspace_body("ws1"))
    before, status = "role-template-manage-projects", 200
    for level in range(12):
        grown = role_body(f"ws1-level{level}")
        listed = [before, *(f"ws1-level{i}" for i in range(level))] * 20
        grown["metadata"]["annotations"][AGGREGATION] = str(listed).replace("'", '"')
        answer = await ask("POST", HERE, grown)
        status = answer.status
        if status != 200:
            assert "at most 65536 characters together" in answer.text
            break
        assert len(answer.text) < 200_000
    assert status == 422


async def test_a_binding_binds_a_bounded_number(ask: Asked) -> None:
    """More subjects than one event could carry are refused, and nothing is bound."""
    subjects = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": f"user-{i}"} for i in range(1001)]
    body = {
        "apiVersion": "iam.kubesphere.io/v1alpha2",
        "kind": "GlobalRoleBinding",
        "metadata": {"name": "crowd"},
        "subjects": subjects,
        "roleRef": {"apiGroup": "iam.kubesphere.io", "kind": "GlobalRole", "name": "platform-regular"},
    }
    raw = "/apis/iam.kubesphere.io/v1alpha2/globalrolebindings"
    refused = await ask("POST", raw, body)
    assert refused.status == 422, refused.text
    assert (await ask("GET", raw + "/crowd")).status == 404
    assert (await ask("POST", raw, {**body, "subjects": subjects[:1000]})).status == 201


@pytest.mark.parametrize(("path", "name"), [(HERE, "ws1-strong"), (GLOBAL, "strong")])
async def test_nobody_weakens_a_role_that_allows_more_than_he_holds(ask: Asked, path: str, name: str) -> None:
    """Whoever may not give what a role allows may neither change nor remove it: its holders would lose it by him."""
    await ask("POST", TENANT + "/workspacetemplates", workspace_body("ws1"))
    await ask("POST", path, role_body(name, "view-roles"))
    rules = (await ask("GET", f"{path}/{name}")).json["rules"]
    assert rules != []
    ask.answers["clerk"] = {"everything": False}
    weaker = {"metadata": {"annotations": {AGGREGATION: "[]"}}}
    assert (await ask("PATCH", f"{path}/{name}", weaker, who="clerk")).status == 403
    assert (await ask("DELETE", f"{path}/{name}", who="clerk")).status == 403
    assert (await ask("GET", f"{path}/{name}")).json["rules"] == rules
    ask.reviews.holds = True
    assert (await ask("DELETE", f"{path}/{name}", who="clerk")).status == 200


@pytest.mark.parametrize(
    ("plural", "path", "name"), [("workspaceroles", HERE, "ws1-strong"), ("globalroles", GLOBAL, "strong")]
)
async def test_nor_through_the_raw_api(ask: Asked, plural: str, path: str, name: str) -> None:
    """There nobody who may not do everything touches a role with rules."""
    await ask("POST", TENANT + "/workspacetemplates", workspace_body("ws1"))
    await ask("POST", path, role_body(name, "view-roles"))
    ask.answers["clerk"] = {"everything": False}
    raw = f"/apis/iam.kubesphere.io/v1alpha2/{plural}/{name}"
    weaker = {"metadata": {"annotations": {AGGREGATION: "[]"}}}
    assert (await ask("PATCH", raw, weaker, who="clerk", media="application/merge-patch+json")).status == 403
    assert (await ask("DELETE", raw, who="clerk")).status == 403
    assert (await ask("DELETE", raw)).status == 200
