"""GENERATED from proto/orrery/devops/v1/events.proto by proto/generate.py: change that, then run `make proto`."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.contracts.wire import Int64, Value
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


class CredentialCreated(Event):
    """A credential was made. Its subject is credentials/<project>/<credential>; no value of it is ever told."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    workspace: str = ""
    credential: str = ""
    type: str = ""
    """secret-text, basic-auth, ssh-auth, kubeconfig, or another type of Secret."""
    by: str = ""


class CredentialChanged(Event):
    """CredentialChanged."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    workspace: str = ""
    credential: str = ""
    type: str = ""
    by: str = ""


class CredentialDeleted(Event):
    """CredentialDeleted."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    workspace: str = ""
    credential: str = ""
    type: str = ""
    by: str = ""


class PipelineCreated(Event):
    """A pipeline was made. Its subject is pipelines/<project>/<pipeline>."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    workspace: str = ""
    pipeline: str = ""
    uid: str = ""
    by: str = ""


class PipelineChanged(Event):
    """What a pipeline is, or its Jenkinsfile, changed."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    workspace: str = ""
    pipeline: str = ""
    uid: str = ""
    by: str = ""


class PipelineDeleted(Event):
    """It is gone with its runs."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    workspace: str = ""
    pipeline: str = ""
    uid: str = ""
    by: str = ""


class RunQueued(Event):
    """A run was asked for and waits its turn. Its subject, and that of all that becomes of it, is pipelineruns/<project>/<run>."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    workspace: str = ""
    pipeline: str = ""
    run: str = ""
    number: int = 0
    """Counts the runs of the pipeline, from 1."""
    branch: str = ""
    by: str = ""


class RunStarted(Event):
    """RunStarted."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    workspace: str = ""
    pipeline: str = ""
    run: str = ""
    number: int = 0


class StageFinished(Event):
    """A stage came to its end, or was passed over. `result` is SUCCESS, FAILURE, ABORTED or NOT_BUILT."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    workspace: str = ""
    pipeline: str = ""
    run: str = ""
    number: int = 0
    stage: str = ""
    result: str = ""
    reason: str = ""
    millis: Int64 = 0


class InputAwaited(Event):
    """A run waits for somebody's word. `submitters` are who may give it besides the pipeline's creator; anyone when empty."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    workspace: str = ""
    pipeline: str = ""
    run: str = ""
    number: int = 0
    stage: str = ""
    step: str = ""
    message: str = ""
    submitters: tuple[str, ...] = ()


class InputGiven(Event):
    """InputGiven."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    workspace: str = ""
    pipeline: str = ""
    run: str = ""
    number: int = 0
    step: str = ""
    proceed: bool = False
    by: str = ""


class RunStopAsked(Event):
    """Somebody asked for a run's end."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    workspace: str = ""
    pipeline: str = ""
    run: str = ""
    number: int = 0
    by: str = ""


class RunFinished(Event):
    """`result` is SUCCESS, FAILURE or ABORTED; `reason` says why it is no success."""

    SERVICE: ClassVar[str] = "devops"

    project: str = ""
    workspace: str = ""
    pipeline: str = ""
    run: str = ""
    number: int = 0
    result: str = ""
    reason: str = ""
    millis: Int64 = 0


EVENTS: tuple[type[Event], ...] = (
    DevOpsProjectCreated,
    DevOpsProjectChanged,
    DevOpsProjectDeleted,
    DevOpsRoleObserved,
    DevOpsRoleGone,
    DevOpsRoleBound,
    DevOpsRoleUnbound,
    CredentialCreated,
    CredentialChanged,
    CredentialDeleted,
    PipelineCreated,
    PipelineChanged,
    PipelineDeleted,
    RunQueued,
    RunStarted,
    StageFinished,
    InputAwaited,
    InputGiven,
    RunStopAsked,
    RunFinished,
)
