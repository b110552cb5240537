"""Roles of a project, what they are made of, and bindings that grant them (iam-gateway 6.4, 7.2, 7.3)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, ClassVar

from libs.shared.contracts.devops_v1 import (
    DevOpsRoleBound,
    DevOpsRoleGone,
    DevOpsRoleObserved,
    DevOpsRoleUnbound,
    Rule,
    Subject,
)
from libs.shared.errors import Denied, Flaw
from libs.shared.objects import names
from libs.shared.store.protocol import Index
from services.devops.domain.resource import ROLES, Housed, check_metadata, derived_uid, path_of

ADMIN = "admin"
USER, GROUP = "User", "Group"
AGGREGATION = "iam.kubesphere.io/aggregation-roles"
TEMPLATE = "iam.kubesphere.io/role-template"
USER_REF = "iam.kubesphere.io/user-ref"
ANNOTATIONS: Mapping[str, str] = {
    "alias": "kubesphere.io/alias-name",
    "module": "iam.kubesphere.io/module",
    "ui": "iam.kubesphere.io/role-template-rules",
    "dependencies": "iam.kubesphere.io/dependencies",
    "aggregates": AGGREGATION,
    "creator": "kubesphere.io/creator",
}
"""Which annotation each word of the data file is."""
AGGREGATES_LIMIT = 200
RULES_WEIGHT = 64 << 10
RULE_WEIGHT = 16
ROLES_LIMIT = 200
"""Roles in a project."""
MEMBERS_LIMIT = 2000
"""Bindings in a project: all of them are in the memory of every gateway."""


class Role(Housed):
    """What its holders may do in a project."""

    COLLECTION: ClassVar[str] = "devopsroles"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("project",)),)

    rules: tuple[Rule, ...] = ()
    built_in: bool = False
    """Whether the platform made it: what it allows stays, and so does it while its project is there."""


class Binding(Housed):
    """Whom a role is granted to. `members` are the subjects as `User:bob`, for the index."""

    COLLECTION: ClassVar[str] = "devopsrolebindings"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("project",)), Index(("members",)))

    role: str
    subjects: tuple[Subject, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seed:
    """A role of the data file."""

    name: str
    rules: tuple[Rule, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seeds:
    """Roles that every project has from the start, and templates that others are made of."""

    roles: tuple[Seed, ...]
    templates: Mapping[str, Seed]


@dataclass(frozen=True, slots=True)
class RoleWish:
    """A role as somebody wants it: its rules follow from the templates that it names."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invitation:
    """The name of a user and of the role that he is to have."""

    user: str
    role: str


def seeds(raw: Mapping[str, Any]) -> Seeds:
    """The data file, as parsed."""
    return Seeds(tuple(_seed(one) for one in raw["roles"]), {one["name"]: _seed(one) for one in raw["templates"]})


def _seed(raw: Mapping[str, Any]) -> Seed:
    labels = {TEMPLATE: "false" if raw.get("hidden") else "true"} if raw.get("template") else {}
    annotations = {ANNOTATIONS[word]: raw[word] for word in ANNOTATIONS if raw.get(word)}
    return Seed(raw["name"], tuple(rule(one) for one in raw["rules"]), labels, annotations)


def rule(raw: Mapping[str, Any]) -> Rule:
    """A rule in the words of rbac/v1."""
    return Rule(
        verbs=raw.get("verbs") or (),
        api_groups=raw.get("apiGroups") or (),
        resources=raw.get("resources") or (),
        resource_names=raw.get("resourceNames") or (),
        non_resource_urls=raw.get("nonResourceURLs") or (),
    )


def member_key(kind: str, name: str) -> str:
    """How a binding's index names a subject."""
    return f"{kind}:{name}"


def of_seed(seed: Seed, project: str, *, uid: str, at: datetime) -> Role:
    """A project's own role as the data file has it; `uid` is the project's."""
    return Role(
        path=path_of(project, seed.name),
        project=project,
        name=seed.name,
        uid=derived_uid(uid, "role", seed.name),
        labels=seed.labels,
        annotations=seed.annotations,
        created_at=at,
        rules=seed.rules,
        built_in=True,
    )


def aggregated(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the templates that a role is made of; none where the annotation is absent or no JSON list of names."""
    try:
        listed: Any = json.loads(annotations.get(AGGREGATION, ""))
    except (ValueError, RecursionError):
        return ()
    if not isinstance(listed, list) or len(listed) > AGGREGATES_LIMIT:
        return ()
    return tuple(dict.fromkeys(name for name in listed if isinstance(name, str)))


def summed(wish: RoleWish, templates: Mapping[str, Seed]) -> tuple[Rule, ...]:
    """What the role comes to allow. Raises `Missing` for a template that there is not."""
    found = []
    for name in aggregated(wish.annotations):
        if name not in templates:
            raise ROLES.missing(name, who=ROLES.singular)
        found.append(templates[name])
    return tuple(chain.from_iterable(template.rules for template in found))


def check(wish: RoleWish, templates: Mapping[str, Seed]) -> None:
    """Raise `Invalid` for a bad name, label or annotation, or the name of a template."""
    check_metadata(ROLES, wish.name, wish.labels, wish.annotations)
    if wish.name in templates:
        raise ROLES.invalid(wish.name, Flaw("metadata.name", "is the name of a template", wish.name))


def check_weight(wish: RoleWish, rules: Iterable[Rule]) -> None:
    """Raise `Invalid` for more rules than a role may have."""
    weight = 0
    for one in rules:
        texts = chain(one.verbs, one.api_groups, one.resources, one.resource_names, one.non_resource_urls)
        weight += RULE_WEIGHT + sum(len(text) + 1 for text in texts)
    if weight > RULES_WEIGHT:
        text = f"Too long: the rules of a role may have at most {RULES_WEIGHT} characters together"
        raise ROLES.invalid(wish.name, Flaw("rules", text))


def check_own(role: Role) -> None:
    """Raise `Denied` for a role that the platform made: who holds it would be left with something else."""
    if role.built_in:
        text = f'roles.{ROLES.group} "{role.name}" is forbidden: a built-in role is neither changed nor removed'
        raise Denied("role-built-in", text, resource=ROLES.plural, name=role.name)


def make(wish: RoleWish, project: str, rules: tuple[Rule, ...], *, uid: str, at: datetime) -> Role:
    """A role of the project's own."""
    return Role(
        path=path_of(project, wish.name),
        project=project,
        name=wish.name,
        uid=uid,
        labels=wish.labels,
        annotations=wish.annotations,
        created_at=at,
        rules=rules,
    )


def bind(project: str, user: str, role: str, *, uid: str, at: datetime) -> Binding:
    """A binding of one user, labelled with him where his name can be a label's value."""
    name = f"{user}-{role}"
    return Binding(
        path=path_of(project, name),
        project=project,
        name=name,
        uid=uid,
        labels={} if names.label_value(user) else {USER_REF: user},
        created_at=at,
        role=role,
        subjects=(Subject(kind=USER, name=user),),
        members=(member_key(USER, user),),
    )


def covers(held: Iterable[Rule], wanted: Rule) -> bool:
    """Whether what is held allows all that a rule does: each verb on each resource of each group, by one of them."""
    if wanted.non_resource_urls:
        return False
    rules = tuple(held)
    return all(
        any(_allows(one, verb, group, resource, wanted.resource_names) for one in rules)
        for verb in wanted.verbs
        for group in wanted.api_groups
        for resource in wanted.resources
    )


def _allows(one: Rule, verb: str, group: str, resource: str, only: tuple[str, ...]) -> bool:
    named = not one.resource_names or (bool(only) and set(only) <= set(one.resource_names))
    return (
        named
        and ("*" in one.verbs or verb in one.verbs)
        and ("*" in one.api_groups or group in one.api_groups)
        and ("*" in one.resources or resource in one.resources)
    )


def observed(role: Role) -> DevOpsRoleObserved:
    """What it allows."""
    return DevOpsRoleObserved(project=role.project, role=role.name, rules=role.rules)


def gone(role: Role) -> DevOpsRoleGone:
    """That it is no more."""
    return DevOpsRoleGone(project=role.project, role=role.name)


def bound(binding: Binding) -> DevOpsRoleBound:
    """Whom it binds."""
    return DevOpsRoleBound(
        project=binding.project,
        binding=binding.name,
        role_kind=ROLES.kind,
        role=binding.role,
        subjects=binding.subjects,
    )


def unbound(binding: Binding) -> DevOpsRoleUnbound:
    """That it binds nobody any more."""
    return DevOpsRoleUnbound(project=binding.project, binding=binding.name)
