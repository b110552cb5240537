"""A user: who may sign in, in which state, and who may change what of him."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from libs.shared.contracts.accounts_v1 import (
    UserChanged,
    UserCreated,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    UserLocked,
    UserUnlocked,
)
from libs.shared.errors import Exists, Flaw, Invalid
from libs.shared.store.protocol import Index
from services.accounts.domain.resource import USERS, Resource, metadata_flaws

GLOBAL_ROLE = "iam.kubesphere.io/globalrole"
UNINITIALIZED = "iam.kubesphere.io/uninitialized"
PASSWORD_CHANGED = "iam.kubesphere.io/last-password-change-time"  # noqa: S105  # an annotation's name
GRANTED_CLUSTERS = "iam.kubesphere.io/granted-clusters"
PROVIDER = "iam.kubesphere.io/identify-provider"
ORIGIN = "iam.kubesphere.io/origin-uid"
COMPUTED = frozenset(
    {GLOBAL_ROLE, *(f"iam.kubesphere.io/{scope}" for scope in ("workspacerole", "clusterrole", "role"))}
)
"""Annotations that answers carry and nothing keeps: role names in the scope that was asked for."""
KEPT = (PASSWORD_CHANGED, GRANTED_CLUSTERS)
"""Annotations that only the platform writes."""
EMAIL = re.compile(r"[^@\s\"(),:;<>\[\]\\]{1,64}@[^@\s\"(),:;<>\[\]\\]{1,255}")
TEXT_LIMIT = 4096
GROUPS_LIMIT = 1000
RESERVED, PRE_REGISTRATION = "system:", "pre-registration"
"""Groups that follow from how somebody signed in; nobody is put in one."""


class State(StrEnum):
    """Whether he may sign in."""

    ACTIVE = "Active"
    DISABLED = "Disabled"
    LOCKED = "AuthLimitExceeded"
    """His password is not taken until `locked_until`; what is signed in goes on."""


class User(Resource):
    """One account. His password is a document of its own (`Credential`), so that no view of him can show it."""

    COLLECTION: ClassVar[str] = "users"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("email_key",), unique=True), Index(("locked_until",)))
    WATCHED: ClassVar[bool] = True

    email: str = ""
    email_key: str = ""
    """The address as it is compared: e-mail is unique whatever its case."""
    lang: str = ""
    description: str = ""
    display_name: str = ""
    groups: tuple[str, ...] = ()
    state: State = State.ACTIVE
    reason: str = ""
    state_since: datetime | None = None
    locked_until: datetime | None = None
    last_login_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UserWish:
    """A user as somebody wants him. `state` and `global_role` are None where nothing was said."""

    name: str
    email: str = ""
    lang: str = ""
    description: str = ""
    display_name: str = ""
    groups: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    state: str | None = None
    global_role: str | None = None

    def kept_annotations(self) -> dict[str, str]:
        """The annotations that are his own: without computed ones and those of the platform."""
        return {k: v for k, v in self.annotations.items() if k not in COMPUTED and k not in KEPT}


def email_key(email: str) -> str:
    """The address as it is compared."""
    return email.strip().casefold()


def taken(email: str) -> Exists:
    """The fault for an address that another user has."""
    return Exists("email-taken", f'the e-mail address "{email}" is another user\'s', resource="users")


def _flaws(wish: UserWish, former: tuple[str, ...] = ()) -> tuple[Flaw, ...]:
    flaws = list(metadata_flaws(wish.name, wish.labels, wish.annotations))
    if wish.email and not EMAIL.fullmatch(wish.email):
        flaws.append(Flaw("spec.email", "must be an e-mail address, such as bob@example.com", wish.email))
    for path, text in (("lang", wish.lang), ("description", wish.description), ("displayName", wish.display_name)):
        if len(text) > TEXT_LIMIT:
            flaws.append(Flaw(f"spec.{path}", f"Too long: may not be longer than {TEXT_LIMIT}"))
    if len(wish.groups) > GROUPS_LIMIT:
        flaws.append(Flaw("spec.groups", f"Too many: must have at most {GROUPS_LIMIT} items"))
    flaws += [
        Flaw("spec.groups", "is a group that the platform itself puts users in", group)
        for group in sorted(set(wish.groups) - set(former))
        if group.startswith(RESERVED) or group == PRE_REGISTRATION
    ]
    if wish.state not in (None, "", *State):
        flaws.append(Flaw("status.state", f'Unsupported value: "{wish.state}": supported values: Active, Disabled'))
    return tuple(flaws)


def create(wish: UserWish, *, uid: str, by: str, at: datetime) -> tuple[User, UserCreated]:
    """A new account, Active at once. Raises `Invalid` for a bad name, e-mail or field."""
    flaws = _flaws(wish)
    if flaws:
        raise USERS.invalid(wish.name, *flaws)
    user = User(
        name=wish.name,
        uid=uid,
        labels=dict(wish.labels),
        annotations=wish.kept_annotations(),
        created_at=at,
        email=wish.email.strip(),
        email_key=email_key(wish.email),
        lang=wish.lang,
        description=wish.description,
        display_name=wish.display_name,
        groups=wish.groups,
        state=State.DISABLED if wish.state == State.DISABLED else State.ACTIVE,
        state_since=at,
    )
    event = UserCreated(
        user=user.name,
        uid=user.uid,
        email=user.email,
        lang=user.lang,
        groups=user.groups,
        state=user.state,
        global_role=wish.global_role or "",
        by=by,
    )
    return user, event


def change(user: User, wish: UserWish, *, by: str) -> tuple[User, UserChanged | None]:
    """The account with what is wished of it, but its state; no event where nothing differs. Raises `Invalid`."""
    flaws = _flaws(wish, user.groups)
    if flaws:
        raise USERS.invalid(wish.name, *flaws)
    kept = {key: user.annotations[key] for key in KEPT if key in user.annotations}
    update = {
        "labels": dict(wish.labels),
        "annotations": wish.kept_annotations() | kept,
        "email": wish.email.strip(),
        "email_key": email_key(wish.email),
        "lang": wish.lang,
        "description": wish.description,
        "display_name": wish.display_name,
        "groups": wish.groups,
    }
    if all(getattr(user, name) == value for name, value in update.items()):
        return user, None
    after = user.changed(**update)
    event = UserChanged(
        user=after.name,
        uid=after.uid,
        email=after.email,
        lang=after.lang,
        groups=after.groups,
        state=after.state,
        by=by,
    )
    return after, event


def beyond_profile(user: User, wish: UserWish) -> tuple[str, ...]:
    """Which fields the wish changes that a user may not change of himself.

    His own are e-mail, language, display name and description; of annotations he may drop `uninitialized`. In
    KubeSphere everything was his own, his groups included (spec section 13): closed here.
    """
    fields = []
    if dict(wish.labels) != dict(user.labels):
        fields.append("metadata.labels")
    before = {k: v for k, v in user.annotations.items() if k not in KEPT}
    after = wish.kept_annotations()
    if UNINITIALIZED not in after:
        before.pop(UNINITIALIZED, None)
    if after != before:
        fields.append("metadata.annotations")
    if wish.groups != user.groups:
        fields.append("spec.groups")
    if wish.state not in (None, "", user.state):
        fields.append("status.state")
    return tuple(fields)


def disable(user: User, *, by: str, at: datetime) -> tuple[User, UserDisabled]:
    """Cut him off. Raises `Invalid` when he would do it to himself."""
    if user.name == by:
        raise Invalid("user-disables-self", f"{by} can't disable their own account: ask another administrator")
    after = user.changed(state=State.DISABLED, reason="", state_since=at, locked_until=None)
    return after, UserDisabled(user=user.name, email=user.email, by=by)


def enable(user: User, *, by: str, at: datetime) -> tuple[User, UserEnabled]:
    """Let him sign in again."""
    after = user.changed(state=State.ACTIVE, reason="", state_since=at, locked_until=None)
    return after, UserEnabled(user=user.name, by=by)


def lock(user: User, *, failures: int, reason: str, at: datetime, until: datetime) -> tuple[User, UserLocked]:
    """Take no password of his until then."""
    after = user.changed(state=State.LOCKED, reason=reason, state_since=at, locked_until=until)
    return after, UserLocked(user=user.name, failures=failures, until=until)


def unlock(user: User, *, at: datetime) -> tuple[User, UserUnlocked]:
    """Take his password again."""
    after = user.changed(state=State.ACTIVE, reason="", state_since=at, locked_until=None)
    return after, UserUnlocked(user=user.name)


def delete(user: User, *, by: str) -> UserDeleted:
    """That he is gone."""
    return UserDeleted(user=user.name, uid=user.uid, by=by)


def signed_in(user: User, at: datetime) -> User:
    """With the time of his last sign-in. KubeSphere counts failed ones too, which lets anybody write there."""
    return user.noted(last_login_at=at)


def password_set(user: User, at: datetime) -> User:
    """With the time of his last change of password."""
    return user.changed(annotations={**user.annotations, **changed_at(at)})


def changed_at(at: datetime) -> dict[str, str]:
    """The annotation that says when a password was set."""
    return {PASSWORD_CHANGED: at.strftime("%Y-%m-%dT%H:%M:%SZ")}
