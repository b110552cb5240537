"""Accounts' objects with Kubernetes' manners: the same rules and events as through KubeSphere's routes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.accounts.domain.password import Credential
from services.accounts.domain.session import Session
from services.accounts.tests.served import IAM, RAW, USERS, Asked
from services.accounts.tests.stage import PASSWORD, Stage
from services.accounts.tests.test_rest import user_body, workspace_body

TEMPLATES = "/apis/tenant.kubesphere.io/v1alpha2/workspacetemplates"
JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"
FIRST_SIGN_IN = [
    {"op": "remove", "path": "/metadata/annotations/iam.kubesphere.io~1uninitialized"},
    {"op": "replace", "path": "/spec/password", "value": "N3wPassw0rd"},
]
"""What the console sends when a user signs in for the first time (console contract 2.2)."""


async def signs_in(ask: Asked, name: str, password: str) -> bool:
    """Whether the password is taken."""
    return (await ask.form(grant_type="password", username=name, password=password)).status == 200


async def with_session(ask: Asked, stage: Stage, name: str) -> str:
    """His session, in which he asks from now on."""
    answer = await ask.form(grant_type="password", username=name, password=PASSWORD)
    ask.sessions[name] = str(stage.parts.tokens.read(answer.json["access_token"])["sid"])
    return ask.sessions[name]


async def test_the_first_sign_in_of_the_console(ask: Asked, stage: Stage) -> None:
    """One JSON patch takes the annotation off and sets the password; his session goes on, another one ends."""
    body = user_body("bob")
    body["metadata"]["annotations"]["iam.kubesphere.io/uninitialized"] = "true"
    await ask("POST", USERS, body)
    other = await with_session(ask, stage, "bob")
    mine = await with_session(ask, stage, "bob")
    answer = await ask("PATCH", RAW + "/users/bob", FIRST_SIGN_IN, media=JSON_PATCH, who="bob")
    assert answer.status == 200
    assert "password" not in answer.json["spec"]
    assert "iam.kubesphere.io/uninitialized" not in answer.json["metadata"]["annotations"]
    assert await signs_in(ask, "bob", "N3wPassw0rd")
    assert not await signs_in(ask, "bob", PASSWORD)
    sessions = stage.parts.store.of(Session)
    assert ((await sessions.get(mine)).ended, (await sessions.get(other)).ended) == ("", "password-changed")


async def test_a_stolen_session_sets_no_password(ask: Asked, stage: Stage) -> None:
    """Once initialized, one's own password is changed with the old one only, never by a raw patch."""
    await ask("POST", USERS, user_body("bob"))
    patch = {"spec": {"password": "N3wPassw0rd"}}
    refused = await ask("PATCH", RAW + "/users/bob", patch, media=MERGE_PATCH, who="bob")
    assert (refused.status, refused.json["reason"]) == (403, "Forbidden")
    assert await signs_in(ask, "bob", PASSWORD)
    assert len(await stage.named("PasswordChanged")) == 0


async def test_a_weak_password_is_refused_and_not_repeated(ask: Asked, stage: Stage) -> None:
    """422 as a Status, without what was sent."""
    await ask("POST", USERS, user_body("bob"))
    before = await stage.parts.store.of(Credential).get("bob")
    refused = await ask("PATCH", RAW + "/users/bob", {"spec": {"password": "weakling"}}, media=MERGE_PATCH)
    assert (refused.status, refused.json["reason"]) == (422, "Invalid")
    assert "weakling" not in refused.text
    assert await stage.parts.store.of(Credential).get("bob") == before


@pytest.mark.parametrize(
    "patch",
    [
        {"spec": {"groups": ["admins"]}},
        {"metadata": {"labels": {"a": "b"}}},
        {"metadata": {"annotations": {"iam.kubesphere.io/globalrole": "platform-admin"}}},
        {"metadata": {"annotations": {"iam.kubesphere.io/granted-clusters": "all", "x": "y"}}},
        {"status": {"state": "Disabled"}},
    ],
)
async def test_nobody_raises_himself_by_a_raw_patch(ask: Asked, patch: dict[str, Any]) -> None:
    """What KubeSphere's raw path lets through is 403 here, and nothing changes."""
    await ask("POST", USERS, user_body("bob"))
    before = (await ask("GET", RAW + "/users/bob")).json
    assert (await ask("PATCH", RAW + "/users/bob", patch, media=MERGE_PATCH, who="bob")).status == 403
    assert (await ask("DELETE", RAW + "/users/bob", who="bob")).status == 403
    assert (await ask("GET", RAW + "/users/bob")).json == before


async def test_a_raw_edit_tells_the_same_event(ask: Asked, stage: Stage) -> None:
    """Disabling with kubectl is disabling: the session ends, the gateway is told."""
    await ask("POST", USERS, user_body("bob"))
    session = await with_session(ask, stage, "bob")
    answer = await ask("PATCH", RAW + "/users/bob", {"status": {"state": "Disabled"}}, media=MERGE_PATCH)
    assert answer.json["status"]["state"] == "Disabled"
    assert (await stage.parts.store.of(Session).get(session)).ended == "disabled"
    (told,) = await stage.named("UserDisabled")
    assert json.loads(told.data) == {"user": "bob", "email": "bob@example.com", "by": "admin"}


async def test_put_with_an_old_version_is_a_conflict(ask: Asked) -> None:
    """409 as a Status, and 201 for what is made."""
    made = await ask("POST", RAW + "/users", user_body("bob"))
    assert made.status == 201
    first = made.json
    await ask("PATCH", RAW + "/users/bob", {"spec": {"lang": "de"}}, media=MERGE_PATCH)
    assert (await ask("PUT", RAW + "/users/bob", first)).status == 409


async def test_registering_oneself_goes_by_the_other_door(ask: Asked) -> None:
    """A token for registration makes no account through the raw path, where nothing would link it."""
    assert (await ask("POST", RAW + "/users", user_body("ldo"), who="system:pre-registration")).status == 403


async def test_granting_by_raw_objects_takes_everything(ask: Asked) -> None:
    """Bindings, and roles with rules, are made by those who may do everything; others go by the other door."""
    ask.answers["hr"] = {"manages_users": True, "everything": False}
    await ask("POST", USERS, user_body("bob"))
    binding = {
        "metadata": {"name": "mine"},
        "subjects": [{"kind": "User", "name": "hr"}],
        "roleRef": {"kind": "GlobalRole", "name": "platform-admin"},
    }
    assert (await ask("POST", RAW + "/globalrolebindings", binding, who="hr")).status == 403
    role = {"metadata": {"name": "all"}, "rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]}
    toothless = await ask("POST", RAW + "/globalroles", role, who="hr")
    assert (toothless.status, toothless.json["rules"]) == (201, [])
    role["metadata"] = {"name": "most"}
    assert (await ask("POST", RAW + "/globalroles", role)).json["rules"] == role["rules"]
    raised = user_body("eve")
    raised["metadata"]["annotations"]["iam.kubesphere.io/globalrole"] = "platform-admin"
    assert (await ask("POST", RAW + "/users", raised, who="hr")).status == 403
    assert (await ask("POST", RAW + "/globalrolebindings", binding)).status == 201
    assert (await ask("DELETE", RAW + "/globalrolebindings/mine")).status == 200


async def test_bindings_of_a_workspace(ask: Asked) -> None:
    """A binding names its workspace by label; its role must be the workspace's."""
    await ask("POST", TEMPLATES, workspace_body("ws1"))
    binding: dict[str, Any] = {
        "metadata": {"name": "team", "labels": {"kubesphere.io/workspace": "ws1"}},
        "subjects": [{"kind": "Group", "name": "team"}],
        "roleRef": {"kind": "WorkspaceRole", "name": "ws1-viewer"},
    }
    made = await ask("POST", RAW + "/workspacerolebindings", binding)
    assert (made.status, made.json["roleRef"]["name"]) == (201, "ws1-viewer")
    foreign = {
        **binding,
        "metadata": {**binding["metadata"], "name": "x"},
        "roleRef": {"name": "system-workspace-admin"},
    }
    assert (await ask("POST", RAW + "/workspacerolebindings", foreign)).status == 404
    assert (await ask("POST", RAW + "/workspacerolebindings", {"metadata": {"name": "x"}})).status == 400
    patch = {
        "metadata": {"labels": {"kubesphere.io/workspace": "system-workspace", "a": "b"}, "annotations": {"c": "d"}},
        "subjects": [{"kind": "Group", "name": "others"}],
    }
    changed = (await ask("PATCH", RAW + "/workspacerolebindings/team", patch, media=MERGE_PATCH)).json
    assert changed["subjects"][0]["name"] == "others"
    assert changed["metadata"]["labels"] == {"kubesphere.io/workspace": "ws1", "a": "b"}
    assert changed["metadata"]["annotations"] == {"c": "d"}
    assert (await ask("DELETE", RAW + "/workspacerolebindings/team")).status == 200


async def test_roles_of_a_workspace(ask: Asked) -> None:
    """Made out of templates in the workspace of the label, and staying there whatever a patch says."""
    await ask("POST", TEMPLATES, workspace_body("ws1"))
    role = {
        "metadata": {
            "name": "ws1-dev",
            "labels": {"kubesphere.io/workspace": "ws1"},
            "annotations": {"iam.kubesphere.io/aggregation-roles": '["role-template-view-members"]'},
        }
    }
    made = await ask("POST", RAW + "/workspaceroles", role)
    assert (made.status, made.json["rules"][0]["resources"]) == (201, ["workspacemembers"])
    moved = {"metadata": {"labels": {"kubesphere.io/workspace": "system-workspace"}}}
    after = await ask("PATCH", RAW + "/workspaceroles/ws1-dev", moved, media=MERGE_PATCH)
    assert after.json["metadata"]["labels"] == {"kubesphere.io/workspace": "ws1"}
    assert (await ask("DELETE", RAW + "/workspaceroles/ws1-dev")).status == 200


async def test_workspaces_in_both_forms(ask: Asked) -> None:
    """The template is written, the Workspace that follows from it is read; patching is for who may change them."""
    made = await ask("POST", TEMPLATES, workspace_body("ws1"))
    assert (made.status, made.json["kind"]) == (201, "WorkspaceTemplate")
    read = await ask("GET", "/apis/tenant.kubesphere.io/v1alpha1/workspaces/ws1")
    assert (read.json["kind"], read.json["spec"]) == ("Workspace", {"manager": "admin"})
    assert read.json["metadata"]["uid"] != made.json["metadata"]["uid"]
    assert (await ask("DELETE", "/apis/tenant.kubesphere.io/v1alpha1/workspaces/ws1")).status == 405
    patch = {"metadata": {"annotations": {"a": "b"}}}
    for refused in (patch, {}):
        assert (await ask("PATCH", TEMPLATES + "/ws1", refused, media=MERGE_PATCH, who="bob")).status == 403
    changed = await ask("PATCH", TEMPLATES + "/ws1", patch, media=MERGE_PATCH)
    assert changed.json["metadata"]["annotations"]["a"] == "b"
    ask.answers["op"] = {"changes_workspaces": True, "everything": False}
    takeover = {"spec": {"template": {"spec": {"manager": "op"}}}}
    assert (await ask("PATCH", TEMPLATES + "/ws1", takeover, media=MERGE_PATCH, who="op")).status == 403
    assert (await ask("DELETE", TEMPLATES + "/ws1?propagationPolicy=Orphan")).status == 200


@pytest.mark.parametrize(
    "plural", ["users", "loginrecords", "globalroles", "globalrolebindings", "workspaceroles", "rolebases"]
)
async def test_every_kind_lists(ask: Asked, plural: str) -> None:
    """A list with a resourceVersion; label selectors that don't parse are 400 on these paths."""
    await ask("POST", USERS, user_body("bob"))
    await ask.form(grant_type="password", username="bob", password=PASSWORD)
    found = await ask("GET", f"{RAW}/{plural}")
    assert found.json["items"]
    assert found.json["metadata"]["resourceVersion"]
    assert (await ask("GET", f"{RAW}/{plural}?labelSelector=!!!")).status == 400
    one = found.json["items"][0]["metadata"]["name"]
    assert (await ask("GET", f"{RAW}/{plural}/{one}")).json["metadata"]["name"] == one
    assert (await ask("GET", IAM + "/users/nobody")).status == 404


async def test_what_is_seeded_can_be_edited(ask: Asked) -> None:
    """Every object that stands from the first start is one that this API itself would take: labels included."""
    changed = {"metadata": {"annotations": {"seen": "yes"}}}
    for plural in ("globalroles", "globalrolebindings", "workspaceroles", "workspacerolebindings"):
        for item in (await ask("GET", f"{RAW}/{plural}")).json["items"]:
            path = f"{RAW}/{plural}/{item['metadata']['name']}"
            answer = await ask("PATCH", path, changed, media=MERGE_PATCH)
            assert (path, answer.status, answer.headers.get("Warning")) == (path, 200, None), answer.text


async def test_unknown_fields_are_told(ask: Asked) -> None:
    """`fieldValidation` knows the fields of every kind: Strict refuses a slip of the pen, Warn names it."""
    body = {**user_body("bob"), "sepc": {}}
    strict = await ask("POST", RAW + "/users?fieldValidation=Strict", body)
    assert (strict.status, 'unknown field \\"sepc\\"' in strict.text) == (400, True)
    warned = await ask("POST", RAW + "/users", body)
    assert (warned.status, "sepc" in warned.headers["Warning"]) == (201, True)
    wrong = await ask("PATCH", RAW + "/users/bob", {"spec": {"groups": "admins"}}, media=MERGE_PATCH)
    assert (wrong.status, wrong.json["details"]["causes"][0]["field"]) == (422, "spec.groups")
