"""Making, changing and removing roles and templates, and binding global roles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from libs.shared.contracts.accounts_v1 import Rule, Subject
from libs.shared.store.protocol import Equal, Find, Unit
from services.accounts.commands.admin import refuse_last
from services.accounts.domain import role as domain
from services.accounts.domain.resource import GLOBAL_BINDINGS, GLOBAL_ROLES, TEMPLATES, WORKSPACE_ROLES, checked_version
from services.accounts.domain.role import GlobalRole, GlobalRoleBinding, RoleWish, WorkspaceRole
from services.accounts.domain.seed import PLATFORM_ADMIN
from services.accounts.domain.workspace import Workspace


async def create_global_role(unit: Unit, wish: RoleWish, *, uid: str, at: datetime) -> GlobalRole:
    """Make a global role out of templates. Raises `Exists`, `Missing` for an unknown template, `Invalid`."""
    domain.check(GLOBAL_ROLES, wish)
    rules = await global_rules(unit, wish) or ()
    domain.check_rules(GLOBAL_ROLES, wish.name, rules)
    if await unit.of(GlobalRole).look(wish.name) is not None:
        raise GLOBAL_ROLES.exists(wish.name)
    role = await unit.of(GlobalRole).add(domain.new_global(wish, rules, uid=uid, at=at))
    unit.emit(domain.created(role), subject=domain.subject(role), about=role)
    return role


async def change_global_role(unit: Unit, wish: RoleWish, version: str) -> GlobalRole:
    """Change a global role. Its rules follow from what it aggregates, and stay where it says nothing of that (spec
    7.3). Raises `Missing`, `Stale`, `Invalid`.
    """
    domain.check(GLOBAL_ROLES, wish)
    before = await unit.of(GlobalRole).look(wish.name)
    if before is None:
        raise GLOBAL_ROLES.unknown(wish.name)
    checked_version(GLOBAL_ROLES, before, version)
    if before.built_in:
        domain.check_kept(GLOBAL_ROLES, before, wish)
    rules = before.rules if before.built_in else await global_rules(unit, wish)
    domain.check_rules(GLOBAL_ROLES, wish.name, rules or ())
    role = await unit.of(GlobalRole).put(domain.changed_global(before, wish, before.rules if rules is None else rules))
    unit.emit(domain.changed(role), subject=domain.subject(role), about=role)
    return role


async def delete_global_role(unit: Unit, name: str) -> GlobalRole:
    """Remove a global role; its bindings stay and grant nothing. Raises `Missing`, `Denied`."""
    role = await unit.of(GlobalRole).look(name)
    if role is None:
        raise GLOBAL_ROLES.unknown(name)
    domain.check_removal(GLOBAL_ROLES, role)
    await unit.of(GlobalRole).drop(name)
    unit.emit(domain.deleted(role), subject=domain.subject(role), about=role)
    return role


async def create_workspace_role(unit: Unit, workspace: str, wish: RoleWish, *, uid: str, at: datetime) -> WorkspaceRole:
    """Make a role of this workspace out of shared templates and roles of its own. Raises `Exists`, `Missing`,
    `Invalid`.
    """
    domain.check(WORKSPACE_ROLES, wish)
    if await unit.of(Workspace).look(workspace) is None:
        raise TEMPLATES.unknown(workspace)
    domain.check_prefix(workspace, wish)
    rules = await workspace_rules(unit, workspace, wish) or ()
    domain.check_rules(WORKSPACE_ROLES, wish.name, rules)
    if await unit.of(WorkspaceRole).look(wish.name) is not None:
        raise WORKSPACE_ROLES.exists(wish.name)
    role = await unit.of(WorkspaceRole).add(domain.new_in_workspace(wish, rules, workspace, uid=uid, at=at))
    unit.emit(domain.created(role), subject=domain.subject(role), workspace=role.workspace, about=role)
    return role


async def change_workspace_role(unit: Unit, workspace: str, wish: RoleWish, version: str) -> WorkspaceRole:
    """Change a role of this workspace; a role never moves to another. Raises `Missing`, `Stale`, `Invalid`."""
    domain.check(WORKSPACE_ROLES, wish)
    before = await own_role(unit, workspace, wish.name)
    checked_version(WORKSPACE_ROLES, before, version)
    if before.built_in:
        domain.check_kept(WORKSPACE_ROLES, before, wish)
    rules = before.rules if before.built_in else await workspace_rules(unit, workspace, wish)
    domain.check_rules(WORKSPACE_ROLES, wish.name, rules or ())
    after = domain.changed_in_workspace(before, wish, before.rules if rules is None else rules)
    role = await unit.of(WorkspaceRole).put(after)
    unit.emit(domain.changed(role), subject=domain.subject(role), workspace=role.workspace, about=role)
    return role


async def delete_workspace_role(unit: Unit, workspace: str, name: str) -> WorkspaceRole:
    """Remove a role of this workspace; its bindings stay and grant nothing. Raises `Missing`, `Denied`."""
    role = await own_role(unit, workspace, name)
    domain.check_removal(WORKSPACE_ROLES, role)
    await unit.of(WorkspaceRole).drop(name)
    unit.emit(domain.deleted(role), subject=domain.subject(role), workspace=role.workspace, about=role)
    return role


async def own_role(unit: Unit, workspace: str, name: str) -> WorkspaceRole:
    """The role of this workspace (shared templates belong to none). Raises `Missing`, for another workspace's too."""
    role = await unit.of(WorkspaceRole).look(name)
    if role is None or role.workspace != workspace:
        raise WORKSPACE_ROLES.unknown(name)
    return role


async def global_rules(unit: Unit, wish: RoleWish) -> tuple[Rule, ...] | None:
    """The rules of what the role aggregates; where it says nothing of that, those given, if any. Raises `Missing`."""
    names = domain.aggregated(wish.annotations)
    if names is None:
        return wish.rules
    templates: list[GlobalRole] = []
    for name in names:
        template = await unit.of(GlobalRole).look(name)
        if template is None:
            raise GLOBAL_ROLES.unknown(name)
        templates.append(template)
    return domain.summed(templates)


async def workspace_rules(unit: Unit, workspace: str, wish: RoleWish) -> tuple[Rule, ...] | None:
    """The rules of what the role aggregates: shared templates, and roles of its own workspace. Raises `Missing`."""
    names = domain.aggregated(wish.annotations)
    if names is None:
        return wish.rules
    templates: list[WorkspaceRole] = []
    for name in names:
        template = await unit.of(WorkspaceRole).look(name)
        if template is None or template.workspace not in ("", workspace):
            raise WORKSPACE_ROLES.unknown(name)
        templates.append(template)
    return domain.summed(templates)


async def global_role_of(unit: Unit, user: str) -> str:
    """The global role that is bound to this user by name, or empty text."""
    bindings = await _global_bindings(unit, user)
    return bindings[0].role if bindings else ""


async def bind_global_role(unit: Unit, user: str, role: str, *, uid: str, at: datetime) -> GlobalRoleBinding:
    """Bind this global role to the user, and no other; whom else bindings bind keeps what he has, by the same names.

    Raises `Missing` for an unknown role.
    """
    if await unit.of(GlobalRole).look(role) is None:
        raise GLOBAL_ROLES.unknown(role)
    await unbind_global_roles(unit, user)
    name, subject = f"{user}-{role}", domain.user_subject(user)
    taken = await unit.of(GlobalRoleBinding).look(name)
    if taken is not None and taken.role == role:
        return await rebind_global(unit, taken, role, (*taken.subjects, subject))
    name = name if taken is None else domain.other_name(name, uid)
    return await create_global_binding(unit, domain.bind_globally(name, role, subject, uid=uid, at=at))


async def create_global_binding(unit: Unit, binding: GlobalRoleBinding) -> GlobalRoleBinding:
    """Keep a binding of a global role. Raises `Exists`, `Missing` for an unknown role, `Invalid`."""
    domain.check_subjects(GLOBAL_BINDINGS, binding.name, binding.subjects)
    if await unit.of(GlobalRole).look(binding.role) is None:
        raise GLOBAL_ROLES.unknown(binding.role)
    if await unit.of(GlobalRoleBinding).look(binding.name) is not None:
        raise GLOBAL_BINDINGS.exists(binding.name)
    binding = await unit.of(GlobalRoleBinding).add(binding)
    unit.emit(domain.bound(binding), subject=f"globalrolebindings/{binding.name}", about=binding)
    return binding


async def rebind_global(
    unit: Unit, before: GlobalRoleBinding, role: str, subjects: Sequence[Subject]
) -> GlobalRoleBinding:
    """Give a binding other subjects, or another role. Raises `Missing` for an unknown role, `Invalid`, `Conflict`."""
    domain.check_subjects(GLOBAL_BINDINGS, before.name, subjects)
    if await unit.of(GlobalRole).look(role) is None:
        raise GLOBAL_ROLES.unknown(role)
    await _refuse_lost_admins(unit, before, () if role != before.role else subjects)
    binding = await unit.of(GlobalRoleBinding).put(domain.rebound(before, role, tuple(subjects)))
    unit.emit(domain.bound(binding, before.subjects), subject=f"globalrolebindings/{binding.name}", about=binding)
    return binding


async def unbind_global(unit: Unit, binding: GlobalRoleBinding) -> None:
    """Remove a binding of a global role. Raises `Conflict` for the one of the last administrator."""
    await _refuse_lost_admins(unit, binding, ())
    await unit.of(GlobalRoleBinding).drop(binding.name)
    unit.emit(domain.unbound(binding), subject=f"globalrolebindings/{binding.name}", about=binding)


async def unbind_global_roles(unit: Unit, user: str) -> None:
    """Take every global role that is bound to this user by name; other subjects of such a binding keep it."""
    for binding in await _global_bindings(unit, user):
        left = domain.without(binding, user)
        if left:
            await rebind_global(unit, binding, binding.role, left)
        else:
            await unbind_global(unit, binding)


async def _refuse_lost_admins(unit: Unit, before: GlobalRoleBinding, after: Sequence[Subject]) -> None:
    """Raise `Conflict` where a binding to platform-admin would leave out the last administrator."""
    if before.role == PLATFORM_ADMIN:
        await refuse_last(unit, *(subject.name for subject in before.subjects if subject not in after))


async def _global_bindings(unit: Unit, user: str) -> list[GlobalRoleBinding]:
    member = domain.member_key(domain.USER, user)
    return await unit.of(GlobalRoleBinding).find(Find((Equal("members", member),), sort="created_at"))
