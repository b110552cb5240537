"""Names of bindings and roles run into each other; nobody comes by a right because of that."""

from __future__ import annotations

import pytest

from libs.shared.errors import Exists, Invalid
from libs.shared.store.protocol import Find, Unit
from services.accounts.commands import role as roles
from services.accounts.commands import workspace as workspaces
from services.accounts.domain.role import (
    GlobalRoleBinding,
    RoleWish,
    WorkspaceRole,
    WorkspaceRoleBinding,
    bind_globally,
    new_in_workspace,
    user_subject,
)
from services.accounts.domain.workspace import WorkspaceWish
from services.accounts.tests.stage import Stage
from services.accounts.tests.test_workspaces import bindings, invite, make


async def keep(unit: Unit, role: WorkspaceRole) -> None:
    """Keep a role whose name wasn't looked at, as it may stand from before."""
    await unit.of(WorkspaceRole).add(role)


async def test_an_invitation_makes_nobody_admin_of_another_workspace(stage: Stage) -> None:
    """A binding of another workspace that has just the name of the member's is left as it is: user `dev` as `admin` of
    ws2 would else be bound by `dev-admin`, the manager's binding of workspace dev."""
    await stage.user("dev")
    await make(stage, "dev")
    await make(stage, "ws2")
    old = new_in_workspace(RoleWish("admin"), (), "ws2", uid=stage.parts.ids(), at=stage.clock())
    await stage.do(keep, old)
    await invite(stage, "ws2", ("dev", "admin"))
    assert await bindings(stage, "dev") == {"dev-admin": ("dev-admin", ("User:admin",))}
    ((name, bound),) = [(n, b) for n, b in (await bindings(stage, "ws2")).items() if n != "ws2-admin"]
    assert (name.startswith("dev-admin-"), bound) == (True, ("admin", ("User:dev",)))


async def test_a_member_s_binding_is_not_taken_for_the_manager_s(stage: Stage) -> None:
    """User `a` as `b-admin` of workspace b is bound by `a-b-admin`; the manager of a workspace `a-b` isn't bound by it,
    and the next one takes over from him."""
    for name in ("a", "bob"):
        await stage.user(name)
    await make(stage, "b")
    await invite(stage, "b", ("a", "b-admin"))
    standing = await make(stage, "a-b", manager="bob")
    assert (await bindings(stage, "b"))["a-b-admin"] == ("b-admin", ("User:a",))
    assert list((await bindings(stage, "a-b")).values()) == [("a-b-admin", ("User:bob",))]
    wish, revision = WorkspaceWish(name="a-b", manager="admin"), str(standing.stamp.revision)
    await stage.do(workspaces.change_workspace, wish, revision, uid=stage.parts.ids(), by="admin", at=stage.clock())
    assert list((await bindings(stage, "a-b")).values()) == [("a-b-admin", ("User:admin",))]


async def test_a_workspace_s_roles_bear_its_name(stage: Stage) -> None:
    """A role is called as its workspace is, so that it takes no name of another one's."""
    await make(stage, "ws1")
    for name in ("admin", "ws2-admin", "ws10-dev", "ws1"):
        with pytest.raises(Invalid, match='must start with "ws1-"'):
            await stage.do(roles.create_workspace_role, "ws1", RoleWish(name), uid=stage.parts.ids(), at=stage.clock())
    await stage.do(roles.create_workspace_role, "ws1", RoleWish("ws1-dev"), uid=stage.parts.ids(), at=stage.clock())


async def test_a_workspace_whose_role_is_taken_is_not_made(stage: Stage) -> None:
    """The fault names the role; nothing is left of the workspace."""
    await make(stage, "a")
    await stage.do(roles.create_workspace_role, "a", RoleWish("a-b-admin"), uid=stage.parts.ids(), at=stage.clock())
    before = len(await stage.told())
    with pytest.raises(Exists, match='"a-b-admin": a role of another workspace'):
        await make(stage, "a-b")
    assert len(await stage.told()) == before
    assert await stage.parts.store.of(WorkspaceRoleBinding).look("a-b-admin") is None


async def test_a_global_role_overwrites_no_binding(stage: Stage) -> None:
    """Who is bound by a binding of the same name keeps his role, whether it is the same or another."""
    same = bind_globally("eve-platform-regular", "platform-regular", user_subject("bob"), uid="1", at=stage.clock())
    await stage.do(roles.create_global_binding, same)
    other = bind_globally("ann-platform-regular", "platform-admin", user_subject("zoe"), uid="2", at=stage.clock())
    await stage.do(roles.create_global_binding, other)
    await stage.user("eve")
    await stage.user("ann")
    found = {b.name: b for b in await stage.parts.store.of(GlobalRoleBinding).find(Find())}
    assert found["eve-platform-regular"].members == ("User:bob", "User:eve")
    kept = found["ann-platform-regular"]
    assert (kept.role, kept.members) == ("platform-admin", ("User:zoe",))
    assert [(b.role, b.members) for n, b in found.items() if n.startswith("ann-platform-regular-")] == [
        ("platform-regular", ("User:ann",))
    ]
