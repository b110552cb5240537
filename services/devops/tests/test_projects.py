"""Projects: made, found, changed, removed, and what is told of them."""

from __future__ import annotations

import json

import pytest

from libs.shared.contracts.accounts_v1 import (
    UserChanged,
    UserCreated,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    WorkspaceDeleted,
)
from services.devops.tests.stage import IAM, V3, Stage

TENANT = "/kapis/tenant.kubesphere.io/v1alpha2"
RAW = "/apis/devops.kubesphere.io/v1alpha3/devopsprojects"


async def test_project_is_made_with_roles_and_creator(stage: Stage) -> None:
    """A project comes with its three roles and its creator's binding, each told under one subject, in that order."""
    name = await stage.project("works", who="dora")
    assert name.startswith("works")
    assert name != "works"
    found = (await stage("GET", f"{V3}/workspaces/ws1/devops/{name}")).json
    assert found["status"] == {"adminNamespace": name}
    assert found["metadata"]["labels"] == {"kubesphere.io/workspace": "ws1"}
    assert found["metadata"]["annotations"] == {"kubesphere.io/creator": "dora"}
    told = await stage.told()
    assert [one.name for one in told] == [
        "DevOpsProjectCreated",
        *["DevOpsRoleObserved"] * 3,
        "DevOpsRoleBound",
    ]
    assert {one.subject for one in told} == {f"devopsprojects/{name}"}
    assert {one.workspace for one in told} == {"ws1"}
    assert all(one.version > 0 for one in told)
    bound = json.loads(told[-1].data)
    assert (bound["role"], bound["subjects"][0]["name"]) == ("admin", "dora")


async def test_snapshot_says_what_events_said(stage: Stage) -> None:
    """The snapshot holds the same events at the same versions as were told, and ends with their number."""
    await stage.project()
    lines = await stage.gateway("/internal/devops/v1/index")
    assert lines[-1] == {"end": True, "count": 5}
    told = {(one.type, one.version): json.loads(one.data) for one in await stage.told()}
    assert {(one["type"], one["version"]) for one in lines[:-1]} == set(told)


async def test_snapshot_is_for_the_gateway_alone(stage: Stage) -> None:
    """Nobody else reads who may what."""
    assert (await stage("GET", "/internal/devops/v1/index")).status == 403


async def test_forged_creator_is_overruled(stage: Stage) -> None:
    """The creator is who asks: an annotation that says another makes nobody an administrator."""
    body = {"metadata": {"generateName": "x", "annotations": {"kubesphere.io/creator": "boss"}}}
    made = (await stage("POST", f"{V3}/workspaces/ws1/devops", body, who="dave")).json
    assert made["metadata"]["annotations"]["kubesphere.io/creator"] == "dave"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"metadata": {"name": "x"}}, "generateName is required"),
        ({"metadata": {"generateName": "Bad_Name"}}, "RFC 1123"),
        ({"metadata": {"generateName": "$(id)"}}, "RFC 1123"),
        ({"metadata": {"generateName": 7}}, "metadata.generateName should be text"),
        ({"metadata": {"generateName": "a", "labels": {"a b": "c"}}}, "metadata.labels"),
        ({"metadata": {"generateName": "a"}, "spec": {"x": "y" * 70_000}}, "at most"),
        ({"metadata": {"generateName": "a"}, "spec": []}, "spec should be an object"),
        ([], "array"),
    ],
)
async def test_bad_projects_are_refused(stage: Stage, body: object, text: str) -> None:
    """Wrong types, hostile names and sizes are 400 with a reason, and nothing is made."""
    answer = await stage("POST", f"{V3}/workspaces/ws1/devops", body)
    assert (answer.status, text in answer.text) == (400, True), answer.text
    assert await stage.told() == []


async def test_display_name_is_unique_in_its_workspace(stage: Stage) -> None:
    """The same display name is 409 in its workspace and fine in another."""
    name = await stage.project("works")
    again = await stage("POST", f"{V3}/workspaces/ws1/devops", {"metadata": {"generateName": "works"}})
    assert again.status == 409
    assert await stage.project("works", workspace="ws2") != name


async def test_lookups(stage: Stage) -> None:
    """By display name, and the check of a name, as the console asks."""
    name = await stage.project("works")
    base = f"{V3}/workspaces/ws1/devops"
    assert (await stage("GET", f"{base}/works?generateName=true")).json["metadata"]["name"] == name
    assert (await stage("GET", f"{base}/none?generateName=true")).status == 400
    assert (await stage("GET", f"{base}/works?check=true&generateName=true")).json == {"exist": True}
    assert (await stage("GET", f"{base}/none?check=true&generateName=true")).json == {"exist": False}
    assert (await stage("GET", f"{base}/works?check=true")).status == 400
    assert (await stage("GET", f"{base}/none")).text == 'devopsprojects.devops.kubesphere.io "none" not found\n'


async def test_foreign_workspace_sees_nothing(stage: Stage) -> None:
    """A project is in no other workspace than its own: not to be read, changed, removed or listed there."""
    name = await stage.project("works")
    foreign = f"{V3}/workspaces/ws2/devops"
    body = {"metadata": {"name": name, "resourceVersion": "1"}}
    for method, sent in (("GET", None), ("PUT", body), ("DELETE", None)):
        assert (await stage(method, f"{foreign}/{name}", sent)).status == 404
    assert (await stage("GET", foreign)).json == {"items": [], "totalItems": 0}
    assert (await stage("GET", f"{V3}/workspaces/ws1/devops")).json["totalItems"] == 1


async def test_change_needs_the_version_read(stage: Stage) -> None:
    """A PUT without a version or of an old one is refused; workspace and creator stay as they were."""
    name = await stage.project("works")
    one = f"{V3}/workspaces/ws1/devops/{name}"
    version = (await stage("GET", one)).json["metadata"]["resourceVersion"]
    body = {"metadata": {"name": name, "labels": {"kubesphere.io/workspace": "ws2"}, "annotations": {"a": "b"}}}
    assert "must be specified for an update" in (await stage("PUT", one, body)).text
    body["metadata"]["resourceVersion"] = version
    changed = (await stage("PUT", one, body)).json["metadata"]
    assert changed["labels"] == {"kubesphere.io/workspace": "ws1"}
    assert changed["annotations"] == {"a": "b", "kubesphere.io/creator": "admin"}
    assert (await stage("PUT", one, body)).status == 400
    assert len(await stage.told("DevOpsProjectChanged")) == 1


async def test_removal_tells_of_all_that_goes(stage: Stage) -> None:
    """With a project go its binding and roles, each told before it, all strictly newer than what stood."""
    name = await stage.project()
    assert (await stage("DELETE", f"{V3}/workspaces/ws1/devops/{name}")).json == {"message": "success"}
    gone = (await stage.told())[5:]
    assert [one.name for one in gone] == ["DevOpsRoleUnbound", *["DevOpsRoleGone"] * 3, "DevOpsProjectDeleted"]
    assert (await stage.gateway("/internal/devops/v1/index"))[-1]["count"] == 0


async def test_tenant_list_narrows(stage: Stage) -> None:
    """Who may not list all projects of a workspace sees those that he has a role in."""
    name = await stage.project("works", who="dora")
    await stage.project("others")
    mine = f"{TENANT}/workspaces/ws1/devops"
    assert (await stage("GET", mine)).json["totalItems"] == 2
    assert [one["metadata"]["name"] for one in (await stage("GET", mine, who="dora")).json["items"]] == [name]
    assert (await stage("GET", mine, who="dirk")).json == {"items": [], "totalItems": 0}
    of = f"{TENANT}/workspaces/ws1/workspacemembers/dora/devops"
    assert (await stage("GET", of)).json["totalItems"] == 1


async def test_kind_serves_the_same_project(stage: Stage) -> None:
    """The raw API makes a project by the label of its workspace, never moves one, and removes by the same command."""
    body = {"metadata": {"generateName": "raw", "labels": {"kubesphere.io/workspace": "ws1"}}}
    made = await stage("POST", RAW, body)
    assert made.status == 201, made.text
    name = made.json["metadata"]["name"]
    moved = {**made.json, "metadata": {**made.json["metadata"], "labels": {"kubesphere.io/workspace": "ws2"}}}
    assert (await stage("PUT", f"{RAW}/{name}", moved)).json["metadata"]["labels"] == {"kubesphere.io/workspace": "ws1"}
    assert (await stage("POST", RAW, {"metadata": {"generateName": "raw"}})).status == 422
    assert (await stage("DELETE", f"{RAW}/{name}")).status == 200
    assert (await stage("GET", f"{RAW}/{name}")).status == 404


async def test_workspace_takes_its_projects_along(stage: Stage) -> None:
    """A removed workspace's projects go, heard twice or not; orphaned ones stay."""
    await stage.project()
    kept = await stage.project(workspace="ws2")
    for _ in range(2):
        await stage.hear(WorkspaceDeleted(workspace="ws1"))
        await stage.hear(WorkspaceDeleted(workspace="ws2", orphan=True))
    left = (await stage("GET", RAW)).json["items"]
    assert [one["metadata"]["name"] for one in left] == [kept]


async def test_members(stage: Stage) -> None:
    """Inviting, showing, changing and removing members, as the console does it."""
    name = await stage.project(who="dora")
    for user in ("dora", "dave"):
        for _ in range(2):
            await stage.hear(UserCreated(user=user, uid=user, email=f"{user}@example.com", state="Active"))
    many = f"{IAM}/devops/{name}/members"
    one = f"{many}/dave"
    assert (await stage("GET", one, who="dora")).status == 404
    invited = [{"username": "dave", "roleRef": "viewer"}]
    assert (await stage("POST", many, invited, who="dora")).json == invited
    assert (await stage("GET", one)).json["metadata"]["annotations"] == {"iam.kubesphere.io/role": "viewer"}
    assert (await stage("PUT", one, {"username": "dave", "roleRef": "operator"}, who="dora")).status == 200
    listed = (await stage("GET", f"{many}?sortBy=name&ascending=true")).json
    roles = [item["metadata"]["annotations"]["iam.kubesphere.io/role"] for item in listed["items"]]
    assert (listed["totalItems"], roles) == (2, ["operator", "admin"])
    assert (await stage("PUT", one, {"username": "dora", "roleRef": "viewer"}, who="dora")).status == 400
    none = await stage("POST", many, [{"username": "dirk", "roleRef": "none"}], who="dora")
    assert (none.status, none.text) == (404, 'role.rbac.authorization.k8s.io "none" not found\n')
    assert "role-template-view-pipelines" in {t["metadata"]["name"] for t in (await stage("GET", one + "/roles")).json}
    await stage.hear(UserDisabled(user="dave"))
    assert (await stage("GET", one)).json["status"] == {"state": "Disabled"}
    await stage.hear(UserEnabled(user="dave"))
    await stage.hear(UserChanged(user="dave", uid="dave", email="d@example.org", state="Active"))
    assert (await stage("GET", one)).json["spec"] == {"email": "d@example.org"}
    assert (await stage("DELETE", one, who="dora")).json == {"message": "success"}
    assert (await stage("GET", one + "/roles")).json == []


async def test_nobody_grants_more_than_he_has(stage: Stage) -> None:
    """A member with rights over members alone makes nobody an administrator, nor demotes one."""
    name = await stage.project(who="dora")
    many = f"{IAM}/devops/{name}/members"
    templates = json.dumps(["role-template-view-members", "role-template-manage-members"])
    role = {"metadata": {"name": "clerk", "annotations": {"iam.kubesphere.io/aggregation-roles": templates}}}
    assert (await stage("POST", f"{IAM}/devops/{name}/roles", role, who="dora")).status == 200
    assert (await stage("POST", many, [{"username": "dave", "roleRef": "clerk"}], who="dora")).status == 200
    for user in ("dave", "dirk"):
        assert (await stage("POST", many, [{"username": user, "roleRef": "admin"}], who="dave")).status == 403
    assert (await stage("DELETE", f"{many}/dora", who="dave")).status == 403
    assert (await stage("POST", many, [{"username": "dirk", "roleRef": "clerk"}], who="dave")).status == 200
    stage.reviews.holds = True
    assert (await stage("POST", many, [{"username": "dirk", "roleRef": "admin"}], who="dave")).status == 200


async def test_deleted_user_loses_his_roles(stage: Stage) -> None:
    """Another user of the same name must not come by the roles of one who is gone."""
    name = await stage.project(who="dora")
    for _ in range(2):
        await stage.hear(UserDeleted(user="dora"))
    assert len(await stage.told("DevOpsRoleUnbound")) == 1
    assert (await stage("GET", f"{IAM}/devops/{name}/members/dora/roles")).json == []


async def test_roles(stage: Stage) -> None:
    """Roles are made of templates; built-in ones stay as they are; templates are shown and never shadowed."""
    name = await stage.project(who="dora")
    many = f"{IAM}/devops/{name}/roles"
    annotations = {"iam.kubesphere.io/aggregation-roles": '["role-template-view-pipelines"]'}
    body = {"metadata": {"name": "tester", "annotations": annotations}, "rules": [{"verbs": ["*"]}]}
    made = await stage("POST", many, body, who="dora")
    assert made.json["rules"][0]["verbs"] == ["get", "list", "watch"]
    assert (await stage("POST", many, body, who="dora")).status == 409
    patched = {"metadata": {"annotations": {"iam.kubesphere.io/aggregation-roles": "[]"}}}
    assert (await stage("PATCH", f"{many}/tester", patched, who="dora")).json["rules"] == []
    assert (await stage("PUT", f"{many}/admin", {"metadata": {"name": "admin"}}, who="dora")).status == 403
    assert (await stage("DELETE", f"{many}/viewer", who="dora")).status == 403
    taken = {"metadata": {"name": "role-template-view-pipelines"}}
    assert (await stage("POST", many, taken, who="dora")).status == 422
    unknown = {"metadata": {"name": "odd", "annotations": {"iam.kubesphere.io/aggregation-roles": '["nope"]'}}}
    assert (await stage("POST", many, unknown, who="dora")).status == 404
    shown = (await stage("GET", f"{many}?label=iam.kubesphere.io/role-template=true")).json
    assert shown["totalItems"] > 5
    made_of = (await stage("GET", f"{many}?aggregateTo=viewer")).json
    assert "role-template-view-credentials" in {item["metadata"]["name"] for item in made_of["items"]}
    assert (await stage("DELETE", f"{many}/tester", who="dora")).json == {"message": "success"}
    assert (await stage("GET", f"{many}/tester")).status == 404
