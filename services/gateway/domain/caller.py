"""Who asks: the authenticated user, his groups, and the subjects that bindings may name him by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

ANONYMOUS = "system:anonymous"
UNAUTHENTICATED = "system:unauthenticated"
AUTHENTICATED = "system:authenticated"
PRE_REGISTRATION = "system:pre-registration"
ACCOUNT_PREFIX = "system:serviceaccount:"
RESERVED = ("system:", "orrery:")
"""Groups that a cluster gives to its own parts and to us. An account may be put into any group, so being in one of
these means nothing, but for the two that we give ourselves.
"""


class SubjectKey(NamedTuple):
    """Whom a binding binds: a service account goes by its user name `system:serviceaccount:<namespace>:<name>`."""

    kind: str
    name: str


def subject_key(kind: str, name: str, namespace: str = "") -> SubjectKey:
    """The key of a binding's subject; its apiGroup is ignored, as the original does."""
    if kind == "ServiceAccount":
        return SubjectKey("User", f"{ACCOUNT_PREFIX}{namespace}:{name}")
    return SubjectKey(kind, name)


def reserved(group: str) -> bool:
    """Whether an account that is in a group of this name is in it for nothing."""
    return group.startswith(RESERVED) and group not in (AUTHENTICATED, UNAUTHENTICATED)


def subject_keys(told: Iterable[tuple[str, str, str]]) -> frozenset[SubjectKey]:
    """Whom a cluster's binding binds here, of kind, name and namespace: what is bound to its own groups counts for
    nobody.
    """
    return frozenset(subject_key(*subject) for subject in told if subject[0] != "Group" or not reserved(subject[1]))


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
