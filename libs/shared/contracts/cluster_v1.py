"""GENERATED from proto/orrery/cluster/v1/events.proto by proto/generate.py: change that, then run `make proto`."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.contracts.wire import Value
from libs.shared.event import Event


class Rule(Value):
    """What a role allows: the PolicyRule of Kubernetes' rbac/v1."""

    verbs: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = ()


class Subject(Value):
    """Whom a binding binds: `kind` is User, Group or ServiceAccount."""

    kind: str = ""
    name: str = ""
    namespace: str = ""


class ProjectObserved(Event):
    """A namespace stands, or its label of workspace or its phase has changed. Its subject is projects/<name>."""

    SERVICE: ClassVar[str] = "cluster"

    project: str = ""
    uid: str = ""
    workspace: str = ""
    """The workspace that owns it; empty for a namespace that belongs to none."""
    creator: str = ""
    phase: str = ""
    """Active or Terminating."""


class ProjectGone(Event):
    """The namespace is gone. Its subject is projects/<name>."""

    SERVICE: ClassVar[str] = "cluster"

    project: str = ""
    uid: str = ""
    workspace: str = ""


class ProjectRoleObserved(Event):
    """A Role of a namespace, in its present form. Its subject is projects/<project>."""

    SERVICE: ClassVar[str] = "cluster"

    project: str = ""
    role: str = ""
    rules: tuple[Rule, ...] = ()


class ProjectRoleGone(Event):
    """ProjectRoleGone."""

    SERVICE: ClassVar[str] = "cluster"

    project: str = ""
    role: str = ""


class ProjectRoleBound(Event):
    """A RoleBinding of a namespace, in its present form. Its subject is projects/<project>."""

    SERVICE: ClassVar[str] = "cluster"

    project: str = ""
    binding: str = ""
    role_kind: str = ""
    """Role or ClusterRole."""
    role: str = ""
    subjects: tuple[Subject, ...] = ()


class ProjectRoleUnbound(Event):
    """ProjectRoleUnbound."""

    SERVICE: ClassVar[str] = "cluster"

    project: str = ""
    binding: str = ""


class ClusterRoleObserved(Event):
    """A ClusterRole, in its present form. Its subject is clusterroles/<role>."""

    SERVICE: ClassVar[str] = "cluster"

    role: str = ""
    rules: tuple[Rule, ...] = ()


class ClusterRoleGone(Event):
    """ClusterRoleGone."""

    SERVICE: ClassVar[str] = "cluster"

    role: str = ""


class ClusterRoleBound(Event):
    """A ClusterRoleBinding, in its present form. Its subject is clusterrolebindings/<binding>."""

    SERVICE: ClassVar[str] = "cluster"

    binding: str = ""
    role: str = ""
    subjects: tuple[Subject, ...] = ()


class ClusterRoleUnbound(Event):
    """ClusterRoleUnbound."""

    SERVICE: ClassVar[str] = "cluster"

    binding: str = ""


EVENTS: tuple[type[Event], ...] = (
    ProjectObserved,
    ProjectGone,
    ProjectRoleObserved,
    ProjectRoleGone,
    ProjectRoleBound,
    ProjectRoleUnbound,
    ClusterRoleObserved,
    ClusterRoleGone,
    ClusterRoleBound,
    ClusterRoleUnbound,
)
