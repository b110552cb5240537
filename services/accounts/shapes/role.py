"""GlobalRole, WorkspaceRole, RoleBase and the bindings (iam.kubesphere.io/v1alpha2)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from libs.shared.contracts.accounts_v1 import Rule, Subject
from libs.shared.objects.reading import Reading
from libs.shared.objects.shapes import ObjectShape, Shape
from services.accounts.domain.resource import (
    GLOBAL_BINDINGS,
    GLOBAL_ROLES,
    IAM,
    ROLE_BASES,
    WORKSPACE,
    WORKSPACE_BINDINGS,
    WORKSPACE_ROLES,
)
from services.accounts.domain.role import (
    Binding,
    GlobalRole,
    GlobalRoleBinding,
    RoleBase,
    RoleWish,
    WorkspaceRole,
)
from services.accounts.shapes.metadata import JsonObject, metadata, typed

RBAC = "rbac.authorization.k8s.io"


class RuleShape(Shape):
    """A PolicyRule of rbac/v1."""

    verbs: list[str] | None = None
    api_groups: list[str] | None = None
    resources: list[str] | None = None
    resource_names: list[str] | None = None
    non_resource_urls: list[str] | None = Field(default=None, alias="nonResourceURLs")


class RoleShape(ObjectShape):
    """A role. Its rules follow from the templates that the annotation `iam.kubesphere.io/aggregation-roles` names."""

    rules: list[RuleShape] | None = None


class RoleBaseShape(ObjectShape):
    """What roles are made from."""

    role: RoleShape


class SubjectShape(Shape):
    """Whom a role is granted to."""

    kind: str | None = Field(default=None, description="User, Group or ServiceAccount")
    api_group: str | None = None
    name: str | None = None
    namespace: str | None = None


class RoleRef(Shape):
    """The role that is granted."""

    api_group: str | None = None
    kind: str | None = None
    name: str | None = None


class BindingShape(ObjectShape):
    """Whom a role is granted to; in a workspace the label `kubesphere.io/workspace` names it."""

    subjects: list[SubjectShape] | None = None
    role_ref: RoleRef | None = None


def rule(kept: Rule) -> JsonObject:
    """A PolicyRule of rbac/v1."""
    whole = {
        "verbs": list(kept.verbs),
        "apiGroups": list(kept.api_groups),
        "resources": list(kept.resources),
        "resourceNames": list(kept.resource_names),
        "nonResourceURLs": list(kept.non_resource_urls),
    }
    return {key: value for key, value in whole.items() if value}


def role(kept: GlobalRole | WorkspaceRole) -> JsonObject:
    """A role; `rules` is always there."""
    noun = GLOBAL_ROLES if isinstance(kept, GlobalRole) else WORKSPACE_ROLES
    return typed(noun, "v1alpha2", metadata=metadata(kept), rules=[rule(r) for r in kept.rules])


def role_base(kept: RoleBase) -> JsonObject:
    """What roles are made from, with the role embedded."""
    group = RBAC if kept.kind in ("Role", "ClusterRole") else IAM
    about = {"name": kept.role, "labels": dict(kept.role_labels), "annotations": dict(kept.role_annotations)}
    embedded = {
        "apiVersion": f"{group}/{'v1' if group == RBAC else 'v1alpha2'}",
        "kind": kept.kind,
        "metadata": {key: value for key, value in about.items() if value},
        "rules": [rule(r) for r in kept.rules],
    }
    return typed(ROLE_BASES, "v1alpha2", metadata=metadata(kept), role=embedded)


def role_wish(body: Any) -> RoleWish:
    """The role that a client wants; its rules are not read (spec 7.3)."""
    about = Reading.of(body).inside("metadata")
    return RoleWish(about.text("name"), about.mapping("labels"), about.mapping("annotations"))


def binding(kept: Binding) -> JsonObject:
    """Whom a role is granted to."""
    ours = isinstance(kept, GlobalRoleBinding)
    noun, bound = (GLOBAL_BINDINGS, GLOBAL_ROLES) if ours else (WORKSPACE_BINDINGS, WORKSPACE_ROLES)
    return typed(
        noun,
        "v1alpha2",
        metadata=metadata(kept),
        subjects=[_subject(s) for s in kept.subjects],
        roleRef={"apiGroup": IAM, "kind": bound.kind, "name": kept.role},
    )


def binding_subjects(body: Any) -> tuple[Subject, ...]:
    """The subjects of a binding that a client wants."""
    return tuple(
        Subject(kind=s.text("kind"), name=s.text("name"), namespace=s.text("namespace"))
        for s in Reading.of(body).objects("subjects")
    )


def binding_role(body: Any) -> str:
    """The name of the role that a client wants bound."""
    return Reading.of(body).inside("roleRef").text("name")


def binding_workspace(body: Any) -> str:
    """The workspace that a client's binding or role is labelled with."""
    return Reading.of(body).inside("metadata").mapping("labels").get(WORKSPACE, "")


def _subject(kept: Subject) -> JsonObject:
    shown = {"kind": kept.kind, "apiGroup": RBAC, "name": kept.name, "namespace": kept.namespace}
    return {key: value for key, value in shown.items() if value}
