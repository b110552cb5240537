"""GENERATED from proto/orrery/accounts/v1/events.proto by proto/generate.py: change that, then run `make proto`."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.contracts.wire import Moment, Value
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


class UserCreated(Event):
    """An account exists. Its subject is users/<name>."""

    SERVICE: ClassVar[str] = "accounts"

    user: str = ""
    uid: str = ""
    email: str = ""
    lang: str = ""
    groups: tuple[str, ...] = ()
    state: str = ""
    """Active, Disabled or AuthLimitExceeded."""
    global_role: str = ""
    by: str = ""


class UserChanged(Event):
    """Anything of an account but its password, state or bindings changed: its present form."""

    SERVICE: ClassVar[str] = "accounts"

    user: str = ""
    uid: str = ""
    email: str = ""
    lang: str = ""
    groups: tuple[str, ...] = ()
    state: str = ""
    by: str = ""


class UserDisabled(Event):
    """Nobody may sign in with it, and what was signed in is cut off."""

    SERVICE: ClassVar[str] = "accounts"

    user: str = ""
    email: str = ""
    by: str = ""


class UserEnabled(Event):
    """UserEnabled."""

    SERVICE: ClassVar[str] = "accounts"

    user: str = ""
    by: str = ""


class UserLocked(Event):
    """Too many failed sign-ins: passwords are not accepted until then; what is signed in goes on."""

    SERVICE: ClassVar[str] = "accounts"

    user: str = ""
    failures: int = 0
    until: Moment | None = None


class UserUnlocked(Event):
    """UserUnlocked."""

    SERVICE: ClassVar[str] = "accounts"

    user: str = ""


class UserDeleted(Event):
    """UserDeleted."""

    SERVICE: ClassVar[str] = "accounts"

    user: str = ""
    uid: str = ""
    by: str = ""


class PasswordChanged(Event):
    """The password is another one; every session but the one that did it is ended by events of its own."""

    SERVICE: ClassVar[str] = "accounts"

    user: str = ""
    by: str = ""


class LoginRecorded(Event):
    """One attempt to sign in, as it ended. Its subject is users/<name>."""

    SERVICE: ClassVar[str] = "accounts"

    user: str = ""
    record: str = ""
    success: bool = False
    type: str = ""
    """Password, Token or OAuth."""
    provider: str = ""
    source_ip: str = ""
    user_agent: str = ""
    reason: str = ""


class SessionStarted(Event):
    """A family of tokens begins. Its subject is sessions/<id>."""

    SERVICE: ClassVar[str] = "accounts"

    session: str = ""
    user: str = ""
    expires_at: Moment | None = None


class SessionEnded(Event):
    """Its tokens are worthless from now on. `expires_at` is when they would have been anyway."""

    SERVICE: ClassVar[str] = "accounts"

    session: str = ""
    user: str = ""
    reason: str = ""
    """logout, disabled, deleted, password-changed, token-reused."""
    expires_at: Moment | None = None


class GlobalRoleCreated(Event):
    """Its subject is globalroles/<name>."""

    SERVICE: ClassVar[str] = "accounts"

    role: str = ""
    rules: tuple[Rule, ...] = ()


class GlobalRoleChanged(Event):
    """GlobalRoleChanged."""

    SERVICE: ClassVar[str] = "accounts"

    role: str = ""
    rules: tuple[Rule, ...] = ()


class GlobalRoleDeleted(Event):
    """GlobalRoleDeleted."""

    SERVICE: ClassVar[str] = "accounts"

    role: str = ""


class GlobalRoleBound(Event):
    """A binding exists, or was rewritten: its present form. Its subject is globalrolebindings/<name>."""

    SERVICE: ClassVar[str] = "accounts"

    binding: str = ""
    role: str = ""
    subjects: tuple[Subject, ...] = ()
    former: tuple[Subject, ...] = ()
    """Whom it bound before it was rewritten."""


class GlobalRoleUnbound(Event):
    """GlobalRoleUnbound."""

    SERVICE: ClassVar[str] = "accounts"

    binding: str = ""
    role: str = ""
    subjects: tuple[Subject, ...] = ()
    """Whom it bound."""


class WorkspaceCreated(Event):
    """Its subject is workspaces/<name>, as that of all that follows; all carry the workspace."""

    SERVICE: ClassVar[str] = "accounts"

    workspace: str = ""
    uid: str = ""
    manager: str = ""
    by: str = ""


class WorkspaceChanged(Event):
    """WorkspaceChanged."""

    SERVICE: ClassVar[str] = "accounts"

    workspace: str = ""
    uid: str = ""
    manager: str = ""
    by: str = ""


class WorkspaceDeleted(Event):
    """It is gone, and its roles and bindings with it, each by an event of its own."""

    SERVICE: ClassVar[str] = "accounts"

    workspace: str = ""
    uid: str = ""
    orphan: bool = False
    """Whether its projects are kept."""
    by: str = ""


class WorkspaceRoleCreated(Event):
    """WorkspaceRoleCreated."""

    SERVICE: ClassVar[str] = "accounts"

    role: str = ""
    workspace: str = ""
    rules: tuple[Rule, ...] = ()


class WorkspaceRoleChanged(Event):
    """WorkspaceRoleChanged."""

    SERVICE: ClassVar[str] = "accounts"

    role: str = ""
    workspace: str = ""
    rules: tuple[Rule, ...] = ()


class WorkspaceRoleDeleted(Event):
    """WorkspaceRoleDeleted."""

    SERVICE: ClassVar[str] = "accounts"

    role: str = ""
    workspace: str = ""


class WorkspaceRoleBound(Event):
    """WorkspaceRoleBound."""

    SERVICE: ClassVar[str] = "accounts"

    binding: str = ""
    workspace: str = ""
    role: str = ""
    subjects: tuple[Subject, ...] = ()
    former: tuple[Subject, ...] = ()
    """Whom it bound before it was rewritten."""


class WorkspaceRoleUnbound(Event):
    """WorkspaceRoleUnbound."""

    SERVICE: ClassVar[str] = "accounts"

    binding: str = ""
    workspace: str = ""
    role: str = ""
    subjects: tuple[Subject, ...] = ()
    """Whom it bound."""


class WorkspaceMemberInvited(Event):
    """WorkspaceMemberInvited."""

    SERVICE: ClassVar[str] = "accounts"

    workspace: str = ""
    user: str = ""
    role: str = ""
    by: str = ""


class WorkspaceMemberChanged(Event):
    """WorkspaceMemberChanged."""

    SERVICE: ClassVar[str] = "accounts"

    workspace: str = ""
    user: str = ""
    role: str = ""
    by: str = ""


class WorkspaceMemberRemoved(Event):
    """WorkspaceMemberRemoved."""

    SERVICE: ClassVar[str] = "accounts"

    workspace: str = ""
    user: str = ""
    by: str = ""


EVENTS: tuple[type[Event], ...] = (
    UserCreated,
    UserChanged,
    UserDisabled,
    UserEnabled,
    UserLocked,
    UserUnlocked,
    UserDeleted,
    PasswordChanged,
    LoginRecorded,
    SessionStarted,
    SessionEnded,
    GlobalRoleCreated,
    GlobalRoleChanged,
    GlobalRoleDeleted,
    GlobalRoleBound,
    GlobalRoleUnbound,
    WorkspaceCreated,
    WorkspaceChanged,
    WorkspaceDeleted,
    WorkspaceRoleCreated,
    WorkspaceRoleChanged,
    WorkspaceRoleDeleted,
    WorkspaceRoleBound,
    WorkspaceRoleUnbound,
    WorkspaceMemberInvited,
    WorkspaceMemberChanged,
    WorkspaceMemberRemoved,
)
