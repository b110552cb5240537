"""Who asks: the authenticated user, his groups, and the subjects that bindings may name him by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

ANONYMOUS = "system:anonymous"
UNAUTHENTICATED = "system:unauthenticated"
AUTHENTICATED = "system:authenticated"
PRE_REGISTRATION = "system:pre-registration"
ACCOUNT_PREFIX = "system:serviceaccount:"


class SubjectKey(NamedTuple):
    """Whom a binding binds: a service account goes by its user name `system:serviceaccount:<namespace>:<name>`."""

    kind: str
    name: str


def subject_key(kind: str, name: str, namespace: str = "") -> SubjectKey:
    """The key of a binding's subject; its apiGroup is ignored, as the original does."""
    if kind == "ServiceAccount":
        return SubjectKey("User", f"{ACCOUNT_PREFIX}{namespace}:{name}")
    return SubjectKey(kind, name)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller, nobody included. `expires` is when his token does; `session` is empty without one."""

    user: str
    groups: tuple[str, ...]
    session: str = ""
    expires: datetime | None = None
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    subjects: tuple[SubjectKey, ...] = ()

    @classmethod
    def of(
        cls,
        user: str,
        groups: tuple[str, ...],
        *,
        session: str = "",
        expires: datetime | None = None,
        extra: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Caller:
        """A caller with the subjects that he goes by."""
        subjects = (SubjectKey("User", user), *(SubjectKey("Group", group) for group in groups))
        return cls(user, groups, session, expires, extra or {}, subjects)

    @property
    def signed_in(self) -> bool:
        """Whether this is an account: neither nobody nor somebody whom a provider knows and we don't."""
        return AUTHENTICATED in self.groups


NOBODY = Caller.of(ANONYMOUS, (UNAUTHENTICATED,))
