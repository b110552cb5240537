"""GENERATED from proto/orrery/devops/v1/events.proto by proto/generate.py: change that, then run `make proto`."""

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


class DevOpsProjectCreated(Event):
    """A project stands in a workspace. Its subject is devopsprojects/<project>."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    uid: str = ""
    workspace: str = ""
    namespace: str = ""
    """The namespace that paths name it by."""
    creator: str = ""


class DevOpsProjectChanged(Event):
    """What a project says of itself changed; where it is and who may what in it didn't."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    uid: str = ""
    workspace: str = ""
    namespace: str = ""
    by: str = ""


class DevOpsProjectDeleted(Event):
    """It is gone with all that was in it; its roles and bindings are told before."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    uid: str = ""
    workspace: str = ""
    by: str = ""


class DevOpsRoleObserved(Event):
    """A role of a project, in its present form. Its subject is devopsprojects/<project>."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    role: str = ""
    rules: tuple[Rule, ...] = ()


class DevOpsRoleGone(Event):
    """DevOpsRoleGone."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    role: str = ""


class DevOpsRoleBound(Event):
    """A binding of a project, in its present form. Its subject is devopsprojects/<project>."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    binding: str = ""
    role_kind: str = ""
    """Always Role."""
    role: str = ""
    subjects: tuple[Subject, ...] = ()


class DevOpsRoleUnbound(Event):
    """DevOpsRoleUnbound."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    binding: str = ""


EVENTS: tuple[type[Event], ...] = (
    DevOpsProjectCreated,
    DevOpsProjectChanged,
    DevOpsProjectDeleted,
    DevOpsRoleObserved,
    DevOpsRoleGone,
    DevOpsRoleBound,
    DevOpsRoleUnbound,
)
