"""Sowing what stands from the first start."""

from __future__ import annotations

from datetime import datetime

from libs.shared.errors import Broken
from libs.shared.store.protocol import Unit
from libs.shared.values import Secret
from services.accounts.commands import role as roles
from services.accounts.commands import user as users
from services.accounts.commands import workspace as workspaces
from services.accounts.domain import role
from services.accounts.domain.resource import CREATOR, derived_uid
from services.accounts.domain.role import GlobalRole, RoleBase, WorkspaceRole
from services.accounts.domain.seed import ADMIN, BINDINGS, Seeded, Seeds
from services.accounts.domain.user import UNINITIALIZED, UserWish
from services.accounts.domain.workspace import SYSTEM, Workspace, WorkspaceWish

FIRST = "first-start"
DEMO = "demo"
DEMO_WORKSPACE = "demo-ws"
"""The workspace of the sandbox cluster's demo, whose namespaces name it."""


async def seeded(unit: Unit) -> bool:
    """Whether the seeds were sown."""
    return await unit.of(Seeded).look(FIRST) is not None


async def sow(unit: Unit, seeds: Seeds, admin: Secret | None, *, made: bool, uid: str, at: datetime) -> bool:
    """Make roles, templates, bindings, the account `admin` and the workspace of the system, once; whether it did.

    `admin` is the hash of his password; `made` says that the platform thought it up, so that the console asks him for
    another at his first sign-in (console contract 2.2): who set one himself isn't asked. Raises `Broken` without one.
    """
    if await seeded(unit):
        return False
    if admin is None:
        raise Broken("no-admin-password", "the first start needs a password for admin: set ORRERY_ADMIN_PASSWORD")
    await _sow_roles(unit, seeds, uid=uid, at=at)
    annotations = {UNINITIALIZED: "true"} if made else {}
    wish = UserWish(name=ADMIN, email="admin@kubesphere.io", annotations=annotations)
    await users.create_user(unit, wish, admin, uid=derived_uid(uid, "user", ADMIN), by="", at=at)
    for name, granted, subjects in BINDINGS:
        binding = role.bind_globally(name, granted, *subjects, uid=derived_uid(uid, "binding", name), at=at)
        await roles.create_global_binding(unit, binding)
    system = WorkspaceWish(name=SYSTEM, annotations={CREATOR: ADMIN}, manager=ADMIN, cluster_selector={})
    await workspaces.create_workspace(unit, system, uid=derived_uid(uid, "workspace", SYSTEM), by="", at=at)
    await unit.of(Seeded).add(Seeded(name=FIRST, at=at))
    return True


async def sow_demo(unit: Unit, *, uid: str, at: datetime) -> bool:
    """Make the demo's workspace, once, unless somebody has one of that name; whether it did. Raises `Exists`
    where a role of another workspace has a name that one of its own would have.
    """
    if await unit.of(Seeded).look(DEMO) is not None:
        return False
    await unit.of(Seeded).add(Seeded(name=DEMO, at=at))
    if await unit.of(Workspace).look(DEMO_WORKSPACE) is not None:
        return False
    wish = WorkspaceWish(name=DEMO_WORKSPACE, annotations={CREATOR: ADMIN}, manager=ADMIN)
    await workspaces.create_workspace(unit, wish, uid=uid, by="", at=at)
    return True


async def _sow_roles(unit: Unit, seeds: Seeds, *, uid: str, at: datetime) -> None:
    for entry in seeds.global_roles:
        made = entry.global_role(uid=derived_uid(uid, "globalrole", entry.name), at=at)
        made = await unit.of(GlobalRole).add(made)
        unit.emit(role.created(made), subject=role.subject(made), about=made)
    for entry in seeds.workspace_templates:
        shared = entry.workspace_template(uid=derived_uid(uid, "workspacerole", entry.name), at=at)
        shared = await unit.of(WorkspaceRole).add(shared)
        unit.emit(role.created(shared), subject=role.subject(shared), about=shared)
    for entry in seeds.bases:
        await unit.of(RoleBase).add(entry.role_base(uid=derived_uid(uid, "rolebase", entry.base), at=at))
