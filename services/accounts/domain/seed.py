"""What stands from the first start: built-in roles, role templates, and whom they are bound to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from libs.shared.contracts.accounts_v1 import Rule, Subject
from libs.shared.store.protocol import Document
from services.accounts.domain.resource import ALIAS, CREATOR
from services.accounts.domain.role import (
    AGGREGATION,
    DEPENDENCIES,
    GROUP,
    MODULE,
    TEMPLATE,
    TEMPLATE_RULES,
    USER,
    GlobalRole,
    RoleBase,
    WorkspaceRole,
)

ADMIN = "admin"
PLATFORM_ADMIN = "platform-admin"
BINDINGS: tuple[tuple[str, str, tuple[Subject, ...]], ...] = (
    (ADMIN, PLATFORM_ADMIN, (Subject(kind=USER, name=ADMIN),)),
    ("anonymous", "anonymous", (Subject(kind=GROUP, name="system:unauthenticated"),)),
    ("authenticated", "authenticated", (Subject(kind=GROUP, name="system:authenticated"),)),
    (
        "pre-registration",
        "pre-registration",
        (Subject(kind=USER, name="system:pre-registration"), Subject(kind=GROUP, name="pre-registration")),
    ),
)
"""Name, role and subjects of the global bindings (spec 6.2)."""


class Seeded(Document):
    """That the seeds were sown, so that what was deleted since doesn't come back."""

    COLLECTION: ClassVar[str] = "seeded"

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One role of the data files."""

    name: str
    base: str
    kind: str
    scopes: tuple[str, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    rules: tuple[Rule, ...]
    granted: tuple[Rule, ...] | None

    def global_role(self, *, uid: str, at: datetime) -> GlobalRole:
        """As a global role."""
        return GlobalRole(
            name=self.name,
            uid=uid,
            labels=self.labels,
            annotations=self.annotations,
            created_at=at,
            rules=self.rules,
            granted=self.granted,
            built_in=True,
        )

    def workspace_template(self, *, uid: str, at: datetime) -> WorkspaceRole:
        """As a template that all workspaces share."""
        return WorkspaceRole(
            name=self.name,
            uid=uid,
            labels=self.labels,
            annotations=self.annotations,
            created_at=at,
            rules=self.rules,
            built_in=True,
        )

    def role_base(self, *, uid: str, at: datetime) -> RoleBase:
        """As what others are made from."""
        return RoleBase(
            name=self.base,
            uid=uid,
            labels={f"scope.kubesphere.io/{scope}": "" for scope in self.scopes},
            created_at=at,
            kind=self.kind,
            role=self.name,
            scopes=self.scopes,
            role_labels=self.labels,
            role_annotations=self.annotations,
            rules=self.rules,
        )


@dataclass(frozen=True, slots=True)
class Seeds:
    """All of them."""

    global_roles: tuple[Entry, ...]
    workspace_templates: tuple[Entry, ...]
    bases: tuple[Entry, ...]


def seeds(files: Mapping[str, Any]) -> Seeds:
    """The data files `global`, `workspace`, `project`, `cluster`, as parsed."""

    def entries(name: str, *sections: str) -> tuple[Entry, ...]:
        return tuple(_entry(raw) for section in sections for raw in files[name][section])

    return Seeds(
        global_roles=entries("global", "roles", "templates"),
        workspace_templates=entries("workspace", "templates"),
        bases=entries("workspace", "roles")
        + entries("project", "roles", "templates")
        + entries("cluster", "roles", "templates"),
    )


def rule(raw: Mapping[str, Any]) -> Rule:
    """A rule in the words of rbac/v1."""
    return Rule(
        verbs=raw.get("verbs") or (),
        api_groups=raw.get("apiGroups") or (),
        resources=raw.get("resources") or (),
        resource_names=raw.get("resourceNames") or (),
        non_resource_urls=raw.get("nonResourceURLs") or (),
    )


def _entry(raw: Mapping[str, Any]) -> Entry:
    labels = {}
    if raw.get("template"):
        labels[TEMPLATE] = "false" if raw.get("hidden") else "true"
    if raw.get("managed"):
        labels["kubefed.io/managed"] = "true"
    said = {
        ALIAS: raw.get("alias"),
        MODULE: raw.get("module"),
        TEMPLATE_RULES: raw.get("ui"),
        DEPENDENCIES: raw.get("dependencies"),
        AGGREGATION: raw.get("aggregates"),
        CREATOR: raw.get("creator"),
    }
    return Entry(
        name=raw["name"],
        base=raw.get("base", raw["name"]),
        kind=raw.get("kind", ""),
        scopes=tuple(raw.get("scopes", ())),
        labels=labels,
        annotations={key: value for key, value in said.items() if value},
        rules=tuple(rule(r) for r in raw["rules"]),
        granted=tuple(rule(r) for r in raw["granted"]) if "granted" in raw else None,
    )
