"""Workspaces, their members and roles as commands: what stands together, and what is told of it."""

from __future__ import annotations

import json

import pytest

from libs.shared.contracts import accounts_v1
from libs.shared.errors import Denied, Exists, Invalid, Missing, Stale
from libs.shared.store.protocol import Equal, Find
from services.accounts.app import SERVICE
from services.accounts.commands import member as members
from services.accounts.commands import role as roles
from services.accounts.commands import workspace as workspaces
from services.accounts.domain.member import Invitation
from services.accounts.domain.role import (
    AGGREGATION,
    GlobalRole,
    RoleWish,
    WorkspaceRole,
    WorkspaceRoleBinding,
    bind_in_workspace,
    user_subject,
)
from services.accounts.domain.workspace import Workspace, WorkspaceWish
from services.accounts.queries.index import index
from services.accounts.tests.stage import Stage


async def make(stage: Stage, name: str, manager: str = "admin") -> Workspace:
    """A workspace of this manager."""
    wish = WorkspaceWish(name=name, manager=manager)
    return await stage.do(workspaces.create_workspace, wish, uid=stage.parts.ids(), by="admin", at=stage.clock())


async def invite(stage: Stage, name: str, *invited: tuple[str, str]) -> None:
    """Give these users these roles."""
    wanted = [Invitation(user, role) for user, role in invited]
    ask = {"uid": stage.parts.ids(), "by": "admin"}
    await stage.do(members.invite_members, name, wanted, **ask, at=stage.clock())


async def bindings(stage: Stage, name: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Binding -> role and members of this workspace."""
    found = await stage.parts.store.of(WorkspaceRoleBinding).find(Find((Equal("workspace", name),)))
    return {b.name: (b.role, b.members) for b in found}


async def test_a_workspace_stands_whole(stage: Stage) -> None:
    """Built-in roles and the manager's binding are of the unit that makes it; all its events carry the workspace."""
    await make(stage, "ws1")
    own = await stage.parts.store.of(WorkspaceRole).find(Find((Equal("workspace", "ws1"),)))
    assert {r.name for r in own} == {"ws1-admin", "ws1-viewer", "ws1-regular", "ws1-self-provisioner"}
    assert await bindings(stage, "ws1") == {"ws1-admin": ("ws1-admin", ("User:admin",))}
    told = [e for e in await stage.told() if e.subject == "workspaces/ws1"]
    assert [e.name for e in told] == ["WorkspaceCreated", *["WorkspaceRoleCreated"] * 4, "WorkspaceRoleBound"]
    assert {e.workspace for e in told} == {"ws1"}
    assert "example.com" not in "".join(e.data for e in told)


async def test_a_manager_without_an_account_is_bound_to_nothing(stage: Stage) -> None:
    """His binding isn't made, so that whoever makes an account of that name later has nothing here."""
    await make(stage, "ws1", manager="ghost")
    assert await bindings(stage, "ws1") == {}


@pytest.mark.parametrize("name", ["", "Ws1", "a" * 64, "a b"])
async def test_bad_names_make_nothing(stage: Stage, name: str) -> None:
    """A workspace's name is the value of a label."""
    with pytest.raises(Invalid):
        await make(stage, name)
    assert await stage.parts.store.of(Workspace).count() == 1


async def test_a_taken_name_makes_nothing(stage: Stage) -> None:
    """Neither roles nor bindings are left of the second."""
    await make(stage, "ws1")
    before = len(await stage.told())
    with pytest.raises(Exists):
        await make(stage, "ws1", manager="nobody")
    assert len(await stage.told()) == before


async def test_another_manager_takes_the_binding_over(stage: Stage) -> None:
    """It is rewritten in place, and tells whom it bound before."""
    await stage.user("bob")
    standing = await make(stage, "ws1")
    wish = WorkspaceWish(name="ws1", manager="bob")
    revision = str(standing.stamp.revision)
    await stage.do(workspaces.change_workspace, wish, revision, uid=stage.parts.ids(), by="admin", at=stage.clock())
    assert await bindings(stage, "ws1") == {"ws1-admin": ("ws1-admin", ("User:bob",))}
    data = json.loads((await stage.named("WorkspaceRoleBound"))[-1].data)
    assert ([s["name"] for s in data["subjects"]], [s["name"] for s in data["former"]]) == (["bob"], ["admin"])
    with pytest.raises(Stale):
        await stage.do(workspaces.change_workspace, wish, "1", uid=stage.parts.ids(), by="admin", at=stage.clock())


async def test_invite_change_remove(stage: Stage) -> None:
    """Each is told as what it is, the same role twice not at all; a member has one role."""
    await stage.user("bob")
    await make(stage, "ws1")
    for role in ("ws1-viewer", "ws1-viewer", "ws1-regular"):
        await invite(stage, "ws1", ("bob", role))
    assert (await bindings(stage, "ws1"))["bob-ws1-regular"] == ("ws1-regular", ("User:bob",))
    for _ in range(2):
        await stage.do(members.remove_member, "ws1", "bob", by="admin")
    told = [e.name for e in await stage.told() if e.name.startswith("WorkspaceMember")]
    assert told == ["WorkspaceMemberInvited", "WorkspaceMemberChanged", "WorkspaceMemberRemoved"]
    assert list(await bindings(stage, "ws1")) == ["ws1-admin"]


async def test_invitations_are_all_or_none(stage: Stage) -> None:
    """An unknown role, a role of another workspace, an unknown user: nobody of the list comes in."""
    await stage.user("bob")
    await make(stage, "ws1")
    for second in (("bob", "none"), ("bob", "system-workspace-admin"), ("ghost", "ws1-viewer")):
        with pytest.raises(Missing):
            await invite(stage, "ws1", ("bob", "ws1-viewer"), second)
    assert list(await bindings(stage, "ws1")) == ["ws1-admin"]


async def test_others_of_a_binding_keep_it(stage: Stage) -> None:
    """Taking one of two subjects leaves the other bound (KubeSphere takes the binding from both)."""
    for name in ("ann", "bob"):
        await stage.user(name)
    await make(stage, "ws1")
    both = bind_in_workspace(
        "team", "ws1-viewer", "ws1", user_subject("ann"), user_subject("bob"), uid=stage.parts.ids(), at=stage.clock()
    )
    await stage.do(members.bind, both)
    await stage.do(members.remove_member, "ws1", "bob", by="admin")
    assert (await bindings(stage, "ws1"))["team"] == ("ws1-viewer", ("User:ann",))


async def test_deleting_takes_roles_and_bindings_along(stage: Stage) -> None:
    """Each by an event of its own, the workspace last; another workspace keeps its own."""
    await stage.user("bob")
    await make(stage, "ws1")
    await make(stage, "ws2")
    await invite(stage, "ws1", ("bob", "ws1-viewer"))
    await stage.do(workspaces.delete_workspace, "ws1", orphan=True, by="admin")
    told = [e for e in await stage.told() if e.subject == "workspaces/ws1"]
    names = [e.name for e in told][-7:]
    assert sorted(names[:-1]) == ["WorkspaceRoleDeleted"] * 4 + ["WorkspaceRoleUnbound"] * 2
    assert (names[-1], json.loads(told[-1].data)["orphan"]) == ("WorkspaceDeleted", True)
    assert await bindings(stage, "ws1") == {}
    assert len(await bindings(stage, "ws2")) == 1
    with pytest.raises(Missing):
        await stage.do(workspaces.delete_workspace, "ws1", orphan=False, by="admin")


async def test_a_role_of_a_workspace_is_made_of_shared_and_own_templates(stage: Stage) -> None:
    """Another workspace's role is no template here; unreadable lists count as none."""
    await make(stage, "ws1")

    async def made(name: str, aggregates: str) -> WorkspaceRole:
        wish = RoleWish(name, annotations={AGGREGATION: aggregates})
        return await stage.do(roles.create_workspace_role, "ws1", wish, uid=stage.parts.ids(), at=stage.clock())

    assert len((await made("ws1-dev", '["role-template-view-members", "ws1-viewer"]')).rules) == 2
    assert (await made("ws1-none", "oops")).rules == ()
    with pytest.raises(Missing):
        await made("ws1-bad", '["system-workspace-admin"]')
    with pytest.raises(Exists):
        await made("ws1-dev", "[]")


async def test_rules_granted_narrowly_stay_so(stage: Stage) -> None:
    """A label on `authenticated` doesn't open the app store, and it gets no other rules."""
    role = await stage.parts.store.of(GlobalRole).get("authenticated")
    wish = RoleWish("authenticated", labels={"a": "b"})
    after = await stage.do(roles.change_global_role, wish, str(role.stamp.revision))
    assert after.effective == role.granted
    wish = RoleWish("authenticated", rules=())
    with pytest.raises(Denied):
        await stage.do(roles.change_global_role, wish, str(after.stamp.revision))


async def test_the_snapshot_says_what_the_events_said(stage: Stage) -> None:
    """Every line has the version of the event that was told last of that thing: a reader can tell which is newer."""
    await stage.user("bob")
    await make(stage, "ws1")
    await invite(stage, "ws1", ("bob", "ws1-viewer"))
    last = {}
    for envelope in await stage.told():
        if envelope.name.startswith("WorkspaceMember"):
            continue  # tells of a binding, whose own event says how it stands
        data = json.loads(envelope.data)
        thing = data.get("binding") or (data.get("role") if "rules" in data else None) or envelope.subject
        last[envelope.subject, thing, "rules" in data] = envelope.version
    found = 0
    async for subject, version, event in index(stage.parts.store, at=stage.clock()):
        data = event.model_dump()
        thing = data.get("binding") or (data.get("role") if "rules" in data else None) or subject
        assert last[subject, thing, "rules" in data] == version, (subject, thing)
        found += 1
    assert found > 40


def test_every_declared_event_is_published() -> None:
    """The service declares what its proto declares."""
    assert SERVICE.publishes == accounts_v1.EVENTS
