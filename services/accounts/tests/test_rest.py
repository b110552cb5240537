"""KubeSphere's routes, answer by answer: golden JSON, refusals word for word, and who sees what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from libs.shared.store.protocol import Equal, Find
from services.accounts.domain.login import LoginRecord
from services.accounts.domain.password import Credential
from services.accounts.domain.role import WorkspaceRoleBinding
from services.accounts.tests.served import IAM, TENANT, USERS, Asked
from services.accounts.tests.stage import PASSWORD, Stage

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str, found: Any) -> None:
    """What was found is what stands in the golden file of this name."""
    assert found == json.loads((GOLDEN / f"{name}.json").read_text())


def user_body(name: str, **spec: Any) -> dict[str, Any]:
    """A user as the console sends him."""
    return {
        "apiVersion": "iam.kubesphere.io/v1alpha2",
        "kind": "User",
        "metadata": {"name": name, "annotations": {"iam.kubesphere.io/globalrole": "platform-regular"}},
        "spec": {"email": f"{name}@example.com", "password": PASSWORD, **spec},
    }


def workspace_body(name: str, manager: str = "admin") -> dict[str, Any]:
    """A workspace as the console sends it."""
    return {
        "metadata": {"name": name, "annotations": {"kubesphere.io/creator": manager}},
        "spec": {"template": {"spec": {"manager": manager}}, "placement": {"clusters": []}},
    }


async def test_golden_users(ask: Asked) -> None:
    """Create, get, list, templates, password and delete, as the console reads them."""
    made = await ask("POST", USERS, user_body("bob", lang="de", displayName="Bob"))
    assert made.status == 200
    golden("user-created", made.json)
    golden("user", (await ask("GET", USERS + "/bob")).json)
    golden("users", (await ask("GET", USERS + "?name=bob&limit=10&page=1")).json)
    golden("user-templates", (await ask("GET", USERS + "/bob/globalroles")).json)
    assert (await ask("GET", USERS + "/nobody/globalroles")).json == []
    changed = await ask("PUT", USERS + "/bob/password", {"password": "N3wPassw0rd"})
    assert (changed.status, changed.json) == (200, {"message": "success"})
    assert (await ask("DELETE", USERS + "/bob")).json == {"message": "success"}
    assert (await ask("GET", USERS + "/bob")).status == 404


async def test_golden_sign_in(ask: Asked) -> None:
    """The token answer, userinfo, records and discovery."""
    await ask("POST", USERS, user_body("bob"))
    answer = await ask.form(grant_type="password", username="bob", password=PASSWORD)
    assert answer.headers["Cache-Control"] == "no-store"
    golden("token", {**answer.json, "access_token": "", "refresh_token": ""})
    await ask.form(grant_type="password", username="bob", password="no")
    golden("userinfo", (await ask("GET", "/oauth/userinfo", who="bob")).json)
    golden("login-records", (await ask("GET", USERS + "/bob/loginrecords?sortBy=createTime")).json)
    golden("discovery", (await ask("GET", "/oauth/.well-known/openid-configuration")).json)
    (key,) = (await ask("GET", "/oauth/keys")).json["keys"]
    assert {**key, "x": "", "kid": ""} == {
        "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "x": "", "kid": "",
    }  # fmt: skip


async def test_golden_workspaces(ask: Asked) -> None:
    """Create, get in each spelling, members and roles, as the console reads them."""
    await ask("POST", USERS, user_body("bob"))
    golden("workspace-created", (await ask("POST", TENANT + "/workspacetemplates", workspace_body("ws1"))).json)
    golden("workspace", (await ask("GET", TENANT + "/workspaces/ws1")).json)
    space = IAM + "/workspaces/ws1"
    invited = [{"username": "bob", "roleRef": "ws1-viewer"}]
    assert (await ask("POST", space + "/workspacemembers", invited)).json == invited
    golden("member", (await ask("GET", space + "/workspacemembers/bob")).json)
    golden("workspace-roles", (await ask("GET", space + "/workspaceroles?sortBy=name&ascending=true")).json)
    templates = await ask("GET", space + "/workspacemembers/bob/workspaceroles")
    assert {t["metadata"]["name"].removeprefix("role-template-") for t in templates.json} == {
        "view-projects", "view-devops", "view-app-templates", "view-app-repos", "view-members", "view-roles",
        "view-groups", "view-workspace-settings",
    }  # fmt: skip


async def test_no_answer_holds_a_password_or_a_hash(ask: Asked, stage: Stage) -> None:
    """On no path, raw or not, does what was kept or sent come out again; nor does any event hold it."""
    await ask("POST", USERS, user_body("bob"))
    await ask("PUT", USERS + "/bob/password", {"password": "An0therPassword"})
    weak = await ask("POST", USERS, user_body("rob", password="tooweak"))
    kept = (await stage.parts.store.of(Credential).get("bob")).hash.reveal()
    raw = "/apis/iam.kubesphere.io/v1alpha2/users"
    paths = (USERS, USERS + "/bob", raw, raw + "/bob")
    seen = [weak.text, *[(await ask("GET", path)).text for path in paths]]
    seen += [envelope.data for envelope in await stage.told()]
    for secret in (kept, PASSWORD, "An0therPassword", "tooweak", "argon2"):
        assert all(secret not in text for text in seen)


@pytest.mark.parametrize(
    ("fields", "status", "body"),
    [
        ({"grant_type": "password", "username": "bob", "password": "no"}, 400, "incorrect password"),
        ({"grant_type": "password", "username": "bob", "password": ""}, 400, "incorrect password"),
        ({"grant_type": "password", "username": "", "password": ""}, 400, "incorrect password"),
        ({"grant_type": "password", "client_id": "other"}, 401, "the OAuth client was not found"),
        ({"grant_type": "password", "client_secret": "y"}, 401, "invalid client credential"),
        (
            {"grant_type": "refresh_token", "refresh_token": "nonsense"},
            400,
            "token contains an invalid number of segments",
        ),
    ],
)
async def test_refusals_at_the_token_endpoint(ask: Asked, fields: dict[str, str], status: int, body: str) -> None:
    """OAuth errors in JSON, worded as consoles know them."""
    await ask("POST", USERS, user_body("bob"))
    answer = await ask.form(**fields)
    assert (answer.status, answer.type, answer.json["error_description"]) == (status, "application/json", body)


async def test_token_endpoint_takes_forms_alone(ask: Asked) -> None:
    """Another media type is 415 in plain text, another grant 400 without a description."""
    answer = await ask("POST", "/oauth/token", {"grant_type": "password"})
    assert (answer.status, answer.type, answer.text) == (415, "text/plain", "415: Unsupported Media Type")
    magic = await ask.form(grant_type="magic")
    assert (magic.status, magic.json) == (400, {"error": "unsupported_grant_type"})


async def test_a_locked_account_is_429(ask: Asked) -> None:
    """With OAuth's error that consoles look at."""
    await ask("POST", USERS, user_body("bob"))
    for _ in range(5):
        await ask.form(grant_type="password", username="bob", password="no")
    answer = await ask.form(grant_type="password", username="bob", password=PASSWORD)
    assert (answer.status, answer.json) == (
        429,
        {"error": "invalid_grant", "error_description": "auth rate limit exceeded"},
    )


async def test_refresh_rotates(ask: Asked, stage: Stage) -> None:
    """The successor comes once and again within 30 s; later the family ends. An access token refreshes nothing."""
    await ask("POST", USERS, user_body("bob"))
    first = (await ask.form(grant_type="password", username="bob", password=PASSWORD)).json
    await stage.clock.advance(60)
    again = [await ask.form(grant_type="refresh_token", refresh_token=first["refresh_token"]) for _ in range(2)]
    assert again[0].json == again[1].json
    assert again[0].json["refresh_token"] != first["refresh_token"]
    wrong = await ask.form(grant_type="refresh_token", refresh_token=first["access_token"])
    assert (wrong.status, wrong.json["error_description"]) == (400, "invalid token type access_token")
    await stage.clock.advance(31)
    late = await ask.form(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (late.status, late.json["error"]) == (400, "invalid_grant")
    dead = await ask.form(grant_type="refresh_token", refresh_token=again[0].json["refresh_token"])
    assert dead.json["error_description"] == "token not found in cache"


async def test_an_expired_refresh_token(ask: Asked, stage: Stage) -> None:
    """Says since when, and gives nothing."""
    await ask("POST", USERS, user_body("bob"))
    first = (await ask.form(grant_type="password", username="bob", password=PASSWORD)).json
    await stage.clock.advance(14_405)
    late = await ask.form(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert late.json["error_description"] == "token is expired by 5s"


async def test_logout_ends_the_session_and_sends_nobody_away(ask: Asked, stage: Stage) -> None:
    """The session of the request ends; an address that the settings don't name is not followed."""
    await ask("POST", USERS, user_body("bob"))
    token = (await ask.form(grant_type="password", username="bob", password=PASSWORD)).json["access_token"]
    ask.sessions["bob"] = str(stage.parts.tokens.read(token)["sid"])
    answer = await ask("GET", "/oauth/logout?post_logout_redirect_uri=https://evil.example", who="bob")
    assert (answer.status, answer.json) == (200, {"message": "success"})
    assert "SessionEnded" in answer.headers["Orrery-Told"]


async def test_userinfo_of_nobody(ask: Asked) -> None:
    """401 with OAuth's error."""
    answer = await ask("GET", "/oauth/userinfo", who="system:anonymous")
    assert (answer.status, answer.json) == (401, {"error": "login_required"})


@pytest.mark.parametrize(
    ("raw", "media", "status", "text"),
    [
        (b"", "application/json", 400, "EOF\n"),
        (b"{oops", "application/json", 400, "invalid character 'o' looking for beginning of object key string\n"),
        (b"{}", "text/weird", 400, "[ServiceError:400] Unable to unmarshal content of type:text/weird\n"),
        (b"[]", "application/json", 400, "json: cannot unmarshal array into Go value of type object\n"),
        (b'{"metadata": {"name": 7}}', "application/json", 400, "metadata.name should be text\n"),
        (b'{"metadata": {"name": "x"}, "spec": []}', "application/json", 400, "spec should be an object\n"),
        (
            b'{"metadata": {"name": "x"}, "spec": {"groups": [1]}}',
            "application/json",
            400,
            "spec.groups should be a list of texts\n",
        ),
        (
            b'{"metadata": {"name": "x", "labels": {"a": 1}}}',
            "application/json",
            400,
            "metadata.labels should be an object of texts\n",
        ),
        (b'{"metadata": {"name": "\xff"}}', "application/json", 400, "invalid UTF-8 in the body\n"),
    ],
)
async def test_bodies_that_are_none(ask: Asked, raw: bytes, media: str, status: int, text: str) -> None:
    """Each gets its own words, and nobody is made."""
    answer = await ask("POST", USERS, raw=raw, media=media)
    assert (answer.status, answer.text) == (status, text)
    assert (await ask("GET", USERS)).json["totalItems"] == 1


@pytest.mark.parametrize("raw", [b"[" * 70_000, b'{"a":' * 20_000 + b"1" + b"}" * 20_000])
async def test_nested_bodies(ask: Asked, raw: bytes) -> None:
    """64 KiB of brackets are refused as a fault of the client's."""
    assert (await ask("POST", USERS, raw=raw)).status == 400


async def test_ten_megabytes(ask: Asked) -> None:
    """A body past the bound is 413."""
    assert (await ask("POST", USERS, raw=b" " * (10 << 20))).status == 413


async def test_refusals_of_users(ask: Asked) -> None:
    """Statuses and sentences as recorded from the original."""
    bob = user_body("bob")
    await ask("POST", USERS, bob)
    again = await ask("POST", USERS, bob)
    assert (again.status, again.text) == (409, 'users.iam.kubesphere.io "bob" already exists\n')
    twin = await ask("POST", USERS, {**user_body("rob"), "spec": {"email": "Bob@example.com", "password": PASSWORD}})
    assert twin.status == 409
    unknown = await ask("DELETE", USERS + "/nobody")
    assert (unknown.status, unknown.text) == (404, 'users.iam.kubesphere.io "nobody" not found\n')
    other = await ask("PUT", USERS + "/rob", bob)
    assert (other.status, other.text) == (
        400, "the name of the object (bob) does not match the name on the URL (rob)\n",
    )  # fmt: skip
    blind = await ask("PUT", USERS + "/bob", bob)
    unversioned = "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    assert (blind.status, blind.text) == (422, f'users.iam.kubesphere.io "bob" is invalid: {unversioned}\n')
    bob["metadata"]["resourceVersion"] = "1"
    stale = await ask("PUT", USERS + "/bob", bob)
    assert (stale.status, "the object has been modified" in stale.text) == (409, True)
    bad = await ask("POST", USERS, user_body("Bad_bob"))
    assert (bad.status, 'User.iam.kubesphere.io "Bad_bob" is invalid: metadata.name: Invalid value' in bad.text) == (
        422,
        True,
    )


async def test_one_s_own_password(ask: Asked, stage: Stage) -> None:
    """The old one must be right; wrong ones count towards the lock, so that nobody guesses with a stolen session."""
    await ask("POST", USERS, user_body("bob"))
    path, new = USERS + "/bob/password", "N3wPassw0rd"
    wrong = await ask("PUT", path, {"currentPassword": "bad", "password": new}, who="bob")
    assert (wrong.status, wrong.text) == (400, "incorrect old password\n")
    right = await ask("PUT", path, {"currentPassword": PASSWORD, "password": new}, who="bob")
    assert right.json == {"message": "success"}
    for _ in range(4):
        await ask("PUT", path, {"currentPassword": "bad", "password": new}, who="bob")
    locked = await ask("PUT", path, {"currentPassword": new, "password": PASSWORD}, who="bob")
    assert locked.status == 429
    assert await stage.parts.store.of(LoginRecord).count(Find((Equal("user", "bob"),))) == 5


async def test_a_user_changes_himself_within_bounds(ask: Asked) -> None:
    """The profile passes, groups don't; nor may he delete himself."""
    await ask("POST", USERS, user_body("bob"))
    bob = (await ask("GET", USERS + "/bob", who="bob")).json
    bob["spec"]["lang"] = "fr"
    assert (await ask("PUT", USERS + "/bob", bob, who="bob")).json["spec"]["lang"] == "fr"
    bob = (await ask("GET", USERS + "/bob", who="bob")).json
    bob["spec"]["groups"] = ["admins"]
    assert (await ask("PUT", USERS + "/bob", bob, who="bob")).status == 403
    assert (await ask("DELETE", USERS + "/bob", who="bob")).status == 403


async def test_disabling_by_state(ask: Asked) -> None:
    """`status.state` is the console's switch."""
    await ask("POST", USERS, user_body("bob"))
    bob = (await ask("GET", USERS + "/bob")).json
    bob["status"]["state"] = "Disabled"
    answer = await ask("PUT", USERS + "/bob", bob)
    assert answer.json["status"]["state"] == "Disabled"
    assert "UserDisabled" in answer.headers["Orrery-Told"]


async def test_nobody_grants_more_than_he_has(ask: Asked, stage: Stage) -> None:
    """A manager of users who doesn't hold a role's rules can't give it; the gateway is asked, and decides."""
    ask.answers["hr"] = {"manages_users": True, "everything": False}
    admin = user_body("eve")
    admin["metadata"]["annotations"]["iam.kubesphere.io/globalrole"] = "platform-admin"
    refused = await ask("POST", USERS, admin, who="hr")
    assert (refused.status, "allows more than they hold" in refused.text) == (403, True)
    assert ask.reviews.asked[0]["holds"][0]["rules"][0] == {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    assert (await ask("POST", USERS, user_body("eve"), who="hr")).status == 200
    ask.reviews.holds = True
    admin["metadata"]["name"], admin["spec"]["email"] = "eva", "eva@example.com"
    assert (await ask("POST", USERS, admin, who="hr")).status == 200


async def test_pre_registration_makes_a_linked_account_without_a_role(ask: Asked) -> None:
    """Whom an identity provider vouches for gets his labels from the token, whatever he sends; nobody else does."""
    body = user_body("ldo")
    body["metadata"]["labels"] = {"iam.kubesphere.io/origin-uid": "someone-else"}
    bare = await ask("POST", USERS, body, who="system:pre-registration")
    assert bare.status == 400
    extra = {"idp": ("ldap",), "uid": ("77",)}
    made = await ask("POST", USERS, body, who="system:pre-registration", extra=extra)
    assert made.json["metadata"]["labels"] == {
        "iam.kubesphere.io/identify-provider": "ldap",
        "iam.kubesphere.io/origin-uid": "77",
    }
    assert "iam.kubesphere.io/globalrole" not in (await ask("GET", USERS + "/ldo")).json["metadata"]["annotations"]


async def test_who_sees_which_workspaces(ask: Asked) -> None:
    """All for who may list them everywhere, else his own; a foreign one by name is 403 (KubeSphere shows it)."""
    for name in ("ws1", "ws2"):
        await ask("POST", TENANT + "/workspacetemplates", workspace_body(name))
    ask.answers["bob"] = {"lists_workspaces": False, "mine": ["ws1"]}
    path = TENANT + "/workspacetemplates"
    assert (await ask("GET", path)).json["totalItems"] == 3
    mine = (await ask("GET", path, who="bob")).json
    assert [item["metadata"]["name"] for item in mine["items"]] == ["ws1"]
    assert (await ask("GET", path + "/ws1", who="bob")).status == 200
    refused = await ask("GET", path + "/ws2", who="bob")
    assert (refused.status, refused.json["kind"], refused.json["reason"]) == (403, "Status", "Forbidden")
    missing = await ask("GET", path + "/none")
    assert (missing.status, missing.text) == (404, 'workspacetemplate.tenant.kubesphere.io "none" not found\n')


async def test_changing_workspaces(ask: Asked) -> None:
    """A taken name is 400; JSON patches as in spec 8.1; DELETE takes everything along."""
    path = TENANT + "/workspacetemplates"
    await ask("POST", path, workspace_body("ws1"))
    taken = await ask("POST", path, workspace_body("ws1"))
    assert (taken.status, taken.text) == (400, 'workspacetemplates.tenant.kubesphere.io "ws1" already exists\n')
    note = [{"op": "add", "path": "/metadata/annotations/kubesphere.io~1description", "value": "hello"}]
    assert (await ask("PATCH", path + "/ws1", note, who="bob")).status == 403
    patched = await ask("PATCH", path + "/ws1", note, media="application/merge-patch+json")
    assert patched.json["metadata"]["annotations"]["kubesphere.io/description"] == "hello"
    replaced = [{"op": "replace", "path": "/spec/placement/clusters", "value": []}]
    assert (await ask("PATCH", path + "/ws1", replaced)).status == 400
    placed = [{"op": "add", "path": "/spec/placement/clusters", "value": [{"name": "east"}]}]
    assert (await ask("PATCH", path + "/ws1", placed, who="bob")).status == 403
    assert (await ask("PATCH", path + "/ws1", placed)).json["spec"]["placement"] == {"clusters": [{"name": "east"}]}
    moved = (
        [{"op": "remove", "path": "/spec/placement/clusters"}],
        [{"op": "add", "path": "/spec/placement/x", "value": 1}],
    )
    for patch in ([], *moved):
        assert (await ask("PATCH", path + "/ws1", patch, who="bob")).status == 403
    old = workspace_body("ws1")
    old["metadata"]["resourceVersion"] = "1"
    assert (await ask("PUT", path + "/ws1", old)).status == 409
    gone = await ask("DELETE", path + "/ws1", {"propagationPolicy": "Orphan"})
    assert gone.json == {"message": "success"}
    assert "WorkspaceRoleUnbound" in gone.headers["Orrery-Told"]
    assert (await ask("DELETE", path + "/ws1")).status == 404


async def test_inviting(ask: Asked, stage: Stage) -> None:
    """All or none; unknown role and unknown user are 404; who isn't admin there is looked at by the gateway."""
    await ask("POST", USERS, user_body("bob"))
    await ask("POST", TENANT + "/workspacetemplates", workspace_body("ws1"))
    path = IAM + "/workspaces/ws1/workspacemembers"
    unknown = await ask("POST", path, [{"username": "bob", "roleRef": "none"}])
    assert (unknown.status, unknown.text) == (404, 'workspacerole.iam.kubesphere.io "none" not found\n')
    both = [{"username": "bob", "roleRef": "ws1-viewer"}, {"username": "nobody", "roleRef": "ws1-viewer"}]
    missing = await ask("POST", path, both)
    assert (missing.status, missing.text) == (404, 'user.iam.kubesphere.io "nobody" not found\n')
    assert await stage.parts.store.of(WorkspaceRoleBinding).count(Find((Equal("members", "User:bob"),))) == 0
    ask.answers["clerk"] = {"everything": False}
    assert (await ask("POST", path, [{"username": "bob", "roleRef": "ws1-admin"}], who="clerk")).status == 403
    assert ask.reviews.asked[-1]["holds"][0]["workspace"] == "ws1"
    await ask("POST", path, [{"username": "bob", "roleRef": "ws1-viewer"}])
    changed = await ask("PUT", path + "/bob", {"username": "bob", "roleRef": "ws1-admin"})
    assert changed.json == {"username": "bob", "roleRef": "ws1-admin"}
    assert (await ask("GET", path + "?workspacerole=ws1-admin")).json["totalItems"] == 2
    for _ in range(2):
        assert (await ask("DELETE", path + "/bob")).json == {"message": "success"}
    assert (await ask("GET", path + "/bob")).status == 404
    assert (await ask("POST", path, {"username": "bob"})).status == 400
    assert (await ask("POST", path, [{"username": "bob"}])).status == 400


async def test_roles_follow_from_templates(ask: Asked) -> None:
    """Rules are summed, never taken from the body; a patch of rules alone changes nothing; a foreign role is 404."""
    path = IAM + "/globalroles"
    body: dict[str, Any] = {
        "metadata": {
            "name": "viewers",
            "annotations": {"iam.kubesphere.io/aggregation-roles": '["role-template-view-users"]'},
        },
        "rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
    }
    made = (await ask("POST", path, body)).json
    assert [rule["resources"] for rule in made["rules"]] == [["users", "users/loginrecords"]]
    patched = await ask("PATCH", path + "/viewers", {"rules": body["rules"]}, media="application/merge-patch+json")
    assert patched.json["rules"] == made["rules"]
    body["metadata"]["annotations"] = {"iam.kubesphere.io/aggregation-roles": '["none"]'}
    body["metadata"]["name"] = "others"
    assert (await ask("POST", path, body)).status == 404
    await ask("POST", TENANT + "/workspacetemplates", workspace_body("ws1"))
    foreign = await ask("GET", IAM + "/workspaces/system-workspace/workspaceroles/ws1-viewer")
    assert foreign.status == 404
    nameless = await ask("POST", IAM + "/workspaces/ws1/workspaceroles", {})
    assert nameless.status == 422


async def test_lists_are_lenient_as_recorded(ask: Asked) -> None:
    """Bad selectors select everything, unknown filters nothing, odd pages are empty."""
    await ask("POST", USERS, user_body("bob"))
    for query, count, total in (
        ("labelSelector=!!!", 2, 2),
        ("colour=red", 0, 0),
        ("limit=-5", 0, 2),
        ("limit=0", 0, 2),
        ("limit=1&page=9", 0, 2),
        ("limit=nonsense", 2, 2),
        ("email=bob@example.com", 1, 1),
        ("globalrole=platform-admin", 1, 1),
        ("ingroup=x", 0, 0),
        ("notingroup=x", 2, 2),
    ):
        found = (await ask("GET", f"{USERS}?{query}")).json
        assert (len(found["items"]), found["totalItems"]) == (count, total), query


async def test_internal_routes_are_the_gateway_s(ask: Asked) -> None:
    """Nobody else is answered; the index ends with its count, and passwords are verified without a session."""
    assert (await ask("GET", "/internal/accounts/v1/index")).status == 403
    await ask("POST", USERS, user_body("bob"))
    await ask("POST", TENANT + "/workspacetemplates", workspace_body("ws1"))
    lines = [json.loads(line) for line in (await ask.gateway("GET", "/internal/accounts/v1/index")).text.splitlines()]
    assert lines[-1] == {"end": True, "count": len(lines) - 1}
    names = {line["type"].rpartition(".")[2] for line in lines[:-1]}
    assert names == {
        "UserCreated", "GlobalRoleCreated", "GlobalRoleBound", "WorkspaceCreated", "WorkspaceRoleCreated",
        "WorkspaceRoleBound",
    }  # fmt: skip
    assert all(line["version"] > 0 and line["subject"] for line in lines[:-1])
    verify = "/internal/accounts/v1/verify"
    right = await ask.gateway("POST", verify, {"username": "bob@example.com", "password": PASSWORD})
    assert right.json == {"user": "bob", "groups": []}
    wrong = await ask.gateway("POST", verify, {"username": "bob", "password": "no"})
    assert (wrong.status, wrong.json["slug"], wrong.json["detail"]) == (401, "incorrect-password", "incorrect password")
    odd = await ask.gateway("POST", verify, {"username": "bob", "password": "no", "colour": "red"})
    assert odd.status == 422


async def test_services_ask_for_users_and_workspaces(ask: Asked) -> None:
    """Users by name as clients see them, without those that aren't there; a workspace that stands, or 404. Nobody else
    may ask.
    """
    users, body = "/internal/accounts/v1/users", {"names": ["admin", "nobody-here", "admin"]}
    found = (await ask.gateway("POST", users, body)).json["items"]
    assert [one["metadata"]["name"] for one in found] == ["admin"]
    assert "password" not in found[0]["spec"]
    assert (await ask("POST", users, body)).status == 403
    assert (await ask.gateway("POST", users, {"names": [1]})).status == 422
    assert (await ask.gateway("GET", "/internal/accounts/v1/workspaces/none-such")).status == 404
