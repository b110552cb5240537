"""Roles, what they are aggregated from, and bindings that grant them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, ClassVar, TypeVar

from libs.shared.contracts.accounts_v1 import (
    GlobalRoleBound,
    GlobalRoleChanged,
    GlobalRoleCreated,
    GlobalRoleDeleted,
    GlobalRoleUnbound,
    Rule,
    Subject,
    WorkspaceRoleBound,
    WorkspaceRoleChanged,
    WorkspaceRoleCreated,
    WorkspaceRoleDeleted,
    WorkspaceRoleUnbound,
)
from libs.shared.errors import Flaw
from libs.shared.event import Event
from libs.shared.objects import names
from libs.shared.store.protocol import Index
from services.accounts.domain.resource import (
    USER_REF,
    WORKSPACE,
    WORKSPACE_ROLES,
    Noun,
    Resource,
    derived_uid,
    metadata_flaws,
)

AGGREGATION = "iam.kubesphere.io/aggregation-roles"
TEMPLATE = "iam.kubesphere.io/role-template"
TEMPLATE_RULES = "iam.kubesphere.io/role-template-rules"
DEPENDENCIES = "iam.kubesphere.io/dependencies"
MODULE = "iam.kubesphere.io/module"
USER, GROUP = "User", "Group"
AGGREGATES_LIMIT = 200
RULES_WEIGHT = 64 << 10
"""Characters of all rules of a role together: each role is in the memory of every gateway, and in one event."""
SUBJECTS_LIMIT = 1000
OTHER_NAME_DIGITS = 12
RULE_WEIGHT = 16
"""What a rule counts besides its texts."""


class GlobalRole(Resource):
    """What its holders may do everywhere.

    `granted` is what it really allows, where that is less than `rules`: the built-in role `authenticated` shows the
    rules that clients know, but doesn't let every signed-in user write to the app store as KubeSphere's does.
    """

    COLLECTION: ClassVar[str] = "globalroles"
    WATCHED: ClassVar[bool] = True

    rules: tuple[Rule, ...] = ()
    granted: tuple[Rule, ...] | None = None
    built_in: bool = False
    """Whether the platform made it: what it allows stays, and so does it."""

    @property
    def effective(self) -> tuple[Rule, ...]:
        """What it allows."""
        return self.rules if self.granted is None else self.granted


class WorkspaceRole(Resource):
    """What its holders may do in one workspace; a template shared by all of them has no workspace."""

    COLLECTION: ClassVar[str] = "workspaceroles"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("workspace",)),)
    WATCHED: ClassVar[bool] = True

    rules: tuple[Rule, ...] = ()
    workspace: str = ""
    built_in: bool = False
    """Whether the platform made it: what it allows stays, and so does it while its workspace is there."""

    @property
    def effective(self) -> tuple[Rule, ...]:
        """What it allows."""
        return self.rules


class RoleBase(Resource):
    """A role that others are made from: one for each workspace, project or DevOps project, or for the cluster.

    `kind` is that of the role made: WorkspaceRole, Role or ClusterRole; `scopes` are namespace, devops, cluster.
    """

    COLLECTION: ClassVar[str] = "rolebases"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("kind",)),)
    WATCHED: ClassVar[bool] = True

    kind: str
    role: str
    scopes: tuple[str, ...] = ()
    role_labels: Mapping[str, str] = {}
    role_annotations: Mapping[str, str] = {}
    rules: tuple[Rule, ...] = ()


class Binding(Resource):
    """Whom a role is granted to. `members` are the subjects as `User:bob`, for the index."""

    role: str
    subjects: tuple[Subject, ...] = ()
    members: tuple[str, ...] = ()

    def binds(self, user: str) -> bool:
        """Whether the user is bound by name."""
        return member_key(USER, user) in self.members


class GlobalRoleBinding(Binding):
    """A global role, granted."""

    COLLECTION: ClassVar[str] = "globalrolebindings"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("members",)), Index(("role",)))
    WATCHED: ClassVar[bool] = True


class WorkspaceRoleBinding(Binding):
    """A workspace's role, granted."""

    COLLECTION: ClassVar[str] = "workspacerolebindings"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("members",)), Index(("workspace",)))
    WATCHED: ClassVar[bool] = True

    workspace: str


Role = TypeVar("Role", GlobalRole, WorkspaceRole)
AnyBinding = TypeVar("AnyBinding", GlobalRoleBinding, WorkspaceRoleBinding)


@dataclass(frozen=True, slots=True)
class RoleWish:
    """A role as somebody wants it. Its rules follow from what it aggregates; `rules` count only where it says nothing
    of that, and only for those who may do everything (None: not given).
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] | None = None


def member_key(kind: str, name: str) -> str:
    """How a binding's index names a subject."""
    return f"{kind}:{name}"


def user_subject(name: str) -> Subject:
    """A user as a binding's subject."""
    return Subject(kind=USER, name=name)


def aggregated(annotations: Mapping[str, str]) -> tuple[str, ...] | None:
    """Names of the templates that a role is made of; None where the annotation is absent or no JSON list of names,
    which KubeSphere passes over (spec 7.3).
    """
    try:
        listed: Any = json.loads(annotations.get(AGGREGATION, ""))
    except (ValueError, RecursionError):
        return None
    if not isinstance(listed, list) or len(listed) > AGGREGATES_LIMIT:
        return None
    return tuple(dict.fromkeys(name for name in listed if isinstance(name, str)))


def summed(templates: Iterable[Role]) -> tuple[Rule, ...]:
    """The rules of all of them, one after the other."""
    return tuple(rule for template in templates for rule in template.rules)


def check(noun: Noun, wish: RoleWish) -> None:
    """Raise `Invalid` for a bad name, label or annotation."""
    flaws = metadata_flaws(wish.name, wish.labels, wish.annotations)
    if flaws:
        raise noun.invalid(wish.name, *flaws)


def check_prefix(workspace: str, wish: RoleWish) -> None:
    """Raise `Invalid` for a role that isn't called `<workspace>-<role>` (console contract 2.4): all workspaces share
    one room of names, and nobody is to take those of another one's roles.
    """
    if not wish.name.startswith(f"{workspace}-"):
        text = f'must start with "{workspace}-", the name of its workspace'
        raise WORKSPACE_ROLES.invalid(wish.name, Flaw("metadata.name", text, wish.name))


def check_removal(noun: Noun, role: GlobalRole | WorkspaceRole) -> None:
    """Raise `Denied` for a role that the platform made: who holds it would be left with nothing."""
    if role.built_in:
        raise noun.denied(role.name, "a built-in role is not removed")


def check_kept(noun: Noun, role: GlobalRole | WorkspaceRole, wish: RoleWish) -> None:
    """Raise `Denied` where a role that the platform made would come to allow something else."""
    if aggregated(wish.annotations) != aggregated(role.annotations) or wish.rules not in (None, role.rules):
        raise noun.denied(role.name, "what a built-in role allows is not changed: make another role")


def check_rules(noun: Noun, name: str, rules: Iterable[Rule]) -> None:
    """Raise `Invalid` for more rules than a role may have: roles may be made of roles, and so grow without end."""
    weight = 0
    for rule in rules:
        texts = chain(rule.verbs, rule.api_groups, rule.resources, rule.resource_names, rule.non_resource_urls)
        weight += RULE_WEIGHT + sum(len(text) + 1 for text in texts)
        if weight > RULES_WEIGHT:
            text = f"Too long: the rules of a role may have at most {RULES_WEIGHT} characters together"
            raise noun.invalid(name, Flaw("rules", text))


def check_subjects(noun: Noun, name: str, subjects: Sequence[Subject]) -> None:
    """Raise `Invalid` for more subjects than a binding may have."""
    if len(subjects) > SUBJECTS_LIMIT:
        text = f"Too many: {len(subjects)}: must have at most {SUBJECTS_LIMIT} items"
        raise noun.invalid(name, Flaw("subjects", text))


def new_global(wish: RoleWish, rules: tuple[Rule, ...], *, uid: str, at: datetime) -> GlobalRole:
    """A global role."""
    return GlobalRole(
        name=wish.name, uid=uid, labels=wish.labels, annotations=wish.annotations, created_at=at, rules=rules
    )


def new_in_workspace(
    wish: RoleWish, rules: tuple[Rule, ...], workspace: str, *, uid: str, at: datetime
) -> WorkspaceRole:
    """A role of this workspace, labelled with it."""
    labels = {**wish.labels, WORKSPACE: workspace}
    return WorkspaceRole(
        name=wish.name,
        uid=uid,
        labels=labels,
        annotations=wish.annotations,
        created_at=at,
        rules=rules,
        workspace=workspace,
    )


def changed_global(role: GlobalRole, wish: RoleWish, rules: tuple[Rule, ...]) -> GlobalRole:
    """The role as wished; it grants what it shows once its rules are others."""
    granted = role.granted if rules == role.rules else None
    return role.changed(labels=wish.labels, annotations=wish.annotations, rules=rules, granted=granted)


def changed_in_workspace(role: WorkspaceRole, wish: RoleWish, rules: tuple[Rule, ...]) -> WorkspaceRole:
    """The role as wished; it stays in its workspace."""
    labels = {k: v for k, v in wish.labels.items() if k != WORKSPACE}
    if role.workspace:
        labels[WORKSPACE] = role.workspace
    return role.changed(labels=labels, annotations=wish.annotations, rules=rules)


def of_base(base: RoleBase, workspace: str, *, uid: str, at: datetime) -> WorkspaceRole:
    """The workspace's own role made from a base: `<workspace>-<role>`."""
    return WorkspaceRole(
        name=f"{workspace}-{base.role}",
        uid=uid,
        labels={**base.role_labels, WORKSPACE: workspace},
        annotations=base.role_annotations,
        created_at=at,
        rules=base.rules,
        workspace=workspace,
        built_in=True,
    )


def bind_globally(name: str, role: str, *subjects: Subject, uid: str, at: datetime) -> GlobalRoleBinding:
    """A binding of a global role, labelled with its user where it binds one."""
    return GlobalRoleBinding(
        name=name,
        uid=uid,
        labels=_refs(subjects),
        created_at=at,
        role=role,
        subjects=subjects,
        members=_members(subjects),
    )


def bind_in_workspace(
    name: str, role: str, workspace: str, *subjects: Subject, uid: str, at: datetime
) -> WorkspaceRoleBinding:
    """A binding of a workspace's role, labelled with the workspace and its user where it binds one."""
    return WorkspaceRoleBinding(
        name=name,
        uid=uid,
        labels={**_refs(subjects), WORKSPACE: workspace},
        created_at=at,
        role=role,
        subjects=subjects,
        members=_members(subjects),
        workspace=workspace,
    )


def other_name(name: str, uid: str) -> str:
    """How a binding is called whose usual name another one has; a unit that is run again chooses the same."""
    return f"{name}-{derived_uid(uid, 'name', name).replace('-', '')[:OTHER_NAME_DIGITS]}"


def rebound(binding: AnyBinding, role: str, subjects: tuple[Subject, ...]) -> AnyBinding:
    """The binding with another role or other subjects."""
    labels = {k: v for k, v in binding.labels.items() if k != USER_REF} | _refs(subjects)
    return binding.changed(labels=labels, role=role, subjects=subjects, members=_members(subjects))


def without(binding: Binding, user: str) -> tuple[Subject, ...]:
    """Its subjects but this user."""
    return tuple(s for s in binding.subjects if (s.kind, s.name) != (USER, user))


def subject(role: GlobalRole | WorkspaceRole) -> str:
    """What events of a role are about."""
    if isinstance(role, GlobalRole):
        return f"globalroles/{role.name}"
    return f"workspaces/{role.workspace}" if role.workspace else f"workspaceroles/{role.name}"


def created(role: GlobalRole | WorkspaceRole) -> Event:
    """That it exists."""
    if isinstance(role, GlobalRole):
        return GlobalRoleCreated(role=role.name, rules=role.effective)
    return WorkspaceRoleCreated(role=role.name, workspace=role.workspace, rules=role.effective)


def changed(role: GlobalRole | WorkspaceRole) -> Event:
    """That it is another now."""
    if isinstance(role, GlobalRole):
        return GlobalRoleChanged(role=role.name, rules=role.effective)
    return WorkspaceRoleChanged(role=role.name, workspace=role.workspace, rules=role.effective)


def deleted(role: GlobalRole | WorkspaceRole) -> Event:
    """That it is gone."""
    if isinstance(role, GlobalRole):
        return GlobalRoleDeleted(role=role.name)
    return WorkspaceRoleDeleted(role=role.name, workspace=role.workspace)


def bound(binding: Binding, former: tuple[Subject, ...] = ()) -> Event:
    """Whom it binds; `former` is whom it bound before it was rewritten."""
    said = {"binding": binding.name, "role": binding.role, "subjects": binding.subjects, "former": former}
    if isinstance(binding, WorkspaceRoleBinding):
        return WorkspaceRoleBound(workspace=binding.workspace, **said)
    return GlobalRoleBound(**said)


def unbound(binding: Binding) -> Event:
    """That it binds nobody any more."""
    said = {"binding": binding.name, "role": binding.role, "subjects": binding.subjects}
    if isinstance(binding, WorkspaceRoleBinding):
        return WorkspaceRoleUnbound(workspace=binding.workspace, **said)
    return GlobalRoleUnbound(**said)


def _refs(subjects: Iterable[Subject]) -> dict[str, str]:
    """The user, where his name can be a label's value: `system:…` can't, nor can what is longer than 63."""
    users = [subject.name for subject in subjects if subject.kind == USER]
    return {USER_REF: users[0]} if users and not names.label_value(users[0]) else {}


def _members(subjects: Iterable[Subject]) -> tuple[str, ...]:
    return tuple(member_key(subject.kind, subject.name) for subject in subjects)
