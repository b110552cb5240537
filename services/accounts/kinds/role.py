"""Roles, their bindings and what they are made from, through `/apis/iam.kubesphere.io/v1alpha2`.

Whoever writes rules or bindings here grants what they allow. He must be allowed everything himself; who isn't grants
through `/kapis`, where what he holds is looked at rule by rule.
"""

from __future__ import annotations

from libs.shared.contracts.accounts_v1 import Rule
from libs.shared.errors import Denied, Malformed
from libs.shared.kinds.kind import Ask, JsonObject, Kind
from libs.shared.objects.reading import Reading
from libs.shared.store.protocol import Unit
from services.accounts.commands import member as members
from services.accounts.commands import role as commands
from services.accounts.domain import role as domain
from services.accounts.domain import seed
from services.accounts.domain.resource import (
    GLOBAL_BINDINGS,
    GLOBAL_ROLES,
    IAM,
    ROLE_BASES,
    USER_REF,
    WORKSPACE,
    WORKSPACE_BINDINGS,
    WORKSPACE_ROLES,
)
from services.accounts.domain.role import (
    AnyBinding,
    GlobalRole,
    GlobalRoleBinding,
    RoleBase,
    RoleWish,
    WorkspaceRole,
    WorkspaceRoleBinding,
)
from services.accounts.parts import EVERYTHING
from services.accounts.shapes import role as shapes


async def create_global_role(unit: Unit, wish: JsonObject, ask: Ask) -> GlobalRole:
    """Make a global role."""
    role = await commands.create_global_role(unit, _wish(wish, ask), uid=unit.id, at=ask.at)
    _refuse(ask, role.rules)
    return role


async def change_global_role(unit: Unit, before: GlobalRole, wish: JsonObject, ask: Ask) -> GlobalRole:
    """Change a global role."""
    role = await commands.change_global_role(unit, _wish(wish, ask), str(before.stamp.revision))
    if role.rules != before.rules:
        _refuse(ask, (*before.rules, *role.rules))
    return role


async def remove_global_role(unit: Unit, before: GlobalRole, ask: Ask) -> None:
    """Remove a global role."""
    _refuse(ask, before.effective)
    await commands.delete_global_role(unit, before.name)


async def create_workspace_role(unit: Unit, wish: JsonObject, ask: Ask) -> WorkspaceRole:
    """Make a role of the workspace that it is labelled with."""
    workspace = _workspace(wish)
    role = await commands.create_workspace_role(unit, workspace, _wish(wish, ask), uid=unit.id, at=ask.at)
    _refuse(ask, role.rules)
    return role


async def change_workspace_role(unit: Unit, before: WorkspaceRole, wish: JsonObject, ask: Ask) -> WorkspaceRole:
    """Change a role; it stays in its workspace."""
    version = str(before.stamp.revision)
    role = await commands.change_workspace_role(unit, before.workspace, _wish(wish, ask), version)
    if role.rules != before.rules:
        _refuse(ask, (*before.rules, *role.rules))
    return role


async def remove_workspace_role(unit: Unit, before: WorkspaceRole, ask: Ask) -> None:
    """Remove a role of a workspace."""
    _refuse(ask, before.effective)
    await commands.delete_workspace_role(unit, before.workspace, before.name)


async def create_global_binding(unit: Unit, wish: JsonObject, ask: Ask) -> GlobalRoleBinding:
    """Bind a global role."""
    _refuse_binding(ask)
    name = Reading.of(wish).inside("metadata").text("name")
    binding = domain.bind_globally(
        name, shapes.binding_role(wish), *shapes.binding_subjects(wish), uid=unit.id, at=ask.at
    )
    return await commands.create_global_binding(unit, _described(binding, wish))


async def change_global_binding(unit: Unit, before: GlobalRoleBinding, wish: JsonObject, ask: Ask) -> GlobalRoleBinding:
    """Give a binding other subjects, or another role."""
    _refuse_binding(ask)
    described = _described(before, wish)
    return await commands.rebind_global(unit, described, shapes.binding_role(wish), shapes.binding_subjects(wish))


async def remove_global_binding(unit: Unit, before: GlobalRoleBinding, ask: Ask) -> None:
    """Remove a binding."""
    _refuse_binding(ask)
    await commands.unbind_global(unit, before)


async def create_workspace_binding(unit: Unit, wish: JsonObject, ask: Ask) -> WorkspaceRoleBinding:
    """Bind a role of the workspace that the binding is labelled with."""
    _refuse_binding(ask)
    name = Reading.of(wish).inside("metadata").text("name")
    subjects = shapes.binding_subjects(wish)
    binding = domain.bind_in_workspace(
        name, shapes.binding_role(wish), _workspace(wish), *subjects, uid=unit.id, at=ask.at
    )
    return await members.bind(unit, _described(binding, wish))


async def change_workspace_binding(
    unit: Unit, before: WorkspaceRoleBinding, wish: JsonObject, ask: Ask
) -> WorkspaceRoleBinding:
    """Give a binding other subjects, or another role of its workspace."""
    _refuse_binding(ask)
    described = _described(before, wish)
    return await members.rebind(unit, described, shapes.binding_role(wish), shapes.binding_subjects(wish))


async def remove_workspace_binding(unit: Unit, before: WorkspaceRoleBinding, ask: Ask) -> None:
    """Remove a binding."""
    _refuse_binding(ask)
    await members.unbind(unit, before)


def _wish(wish: JsonObject, ask: Ask) -> RoleWish:
    """The role wanted; rules that it names itself count for those who may do everything."""
    wanted = shapes.role_wish(wish)
    if not ask.answers.get(EVERYTHING.name) or not Reading.of(wish).has("rules"):
        return wanted
    rules = tuple(seed.rule(given.value) for given in Reading.of(wish).objects("rules"))
    return RoleWish(wanted.name, wanted.labels, wanted.annotations, rules)


def _described(binding: AnyBinding, wish: JsonObject) -> AnyBinding:
    """The binding with the labels and annotations that the object carries; labels of the platform are its own."""
    about = Reading.of(wish).inside("metadata")
    ours = {key: value for key, value in binding.labels.items() if key in (WORKSPACE, USER_REF)}
    return binding.noted(labels={**about.mapping("labels"), **ours}, annotations=about.mapping("annotations"))


def _workspace(wish: JsonObject) -> str:
    workspace = shapes.binding_workspace(wish)
    if not workspace:
        raise Malformed("workspace-label", "metadata.labels[kubesphere.io/workspace] should name its workspace")
    return workspace


def _refuse(ask: Ask, rules: tuple[Rule, ...]) -> None:
    if rules and not ask.answers.get(EVERYTHING.name):
        raise Denied("escalation", f'User "{ask.user}" may make, change or remove roles with rules only through /kapis')


def _refuse_binding(ask: Ask) -> None:
    if not ask.answers.get(EVERYTHING.name):
        raise Denied("escalation", f'User "{ask.user}" may bind roles only through /kapis')


GLOBAL_ROLE = Kind(
    group=IAM,
    kind=GLOBAL_ROLES.kind,
    plural=GLOBAL_ROLES.plural,
    singular=GLOBAL_ROLES.singular,
    version="v1alpha2",
    document=GlobalRole,
    model=shapes.RoleShape,
    show=shapes.role,
    create=create_global_role,
    update=change_global_role,
    remove=remove_global_role,
    categories=("iam",),
    questions=(EVERYTHING,),
)
WORKSPACE_ROLE = Kind(
    group=IAM,
    kind=WORKSPACE_ROLES.kind,
    plural=WORKSPACE_ROLES.plural,
    singular=WORKSPACE_ROLES.singular,
    version="v1alpha2",
    document=WorkspaceRole,
    model=shapes.RoleShape,
    show=shapes.role,
    create=create_workspace_role,
    update=change_workspace_role,
    remove=remove_workspace_role,
    categories=("iam",),
    questions=(EVERYTHING,),
)
GLOBAL_ROLE_BINDING = Kind(
    group=IAM,
    kind=GLOBAL_BINDINGS.kind,
    plural=GLOBAL_BINDINGS.plural,
    singular=GLOBAL_BINDINGS.singular,
    version="v1alpha2",
    document=GlobalRoleBinding,
    model=shapes.BindingShape,
    show=shapes.binding,
    create=create_global_binding,
    update=change_global_binding,
    remove=remove_global_binding,
    categories=("iam",),
    questions=(EVERYTHING,),
)
WORKSPACE_ROLE_BINDING = Kind(
    group=IAM,
    kind=WORKSPACE_BINDINGS.kind,
    plural=WORKSPACE_BINDINGS.plural,
    singular=WORKSPACE_BINDINGS.singular,
    version="v1alpha2",
    document=WorkspaceRoleBinding,
    model=shapes.BindingShape,
    show=shapes.binding,
    create=create_workspace_binding,
    update=change_workspace_binding,
    remove=remove_workspace_binding,
    categories=("iam",),
    questions=(EVERYTHING,),
)
ROLE_BASE = Kind(
    group=IAM,
    kind=ROLE_BASES.kind,
    plural=ROLE_BASES.plural,
    singular=ROLE_BASES.singular,
    version="v1alpha2",
    document=RoleBase,
    model=shapes.RoleBaseShape,
    show=shapes.role_base,
    categories=("iam",),
)
