"""A credential of a project: what steps may be lent, sealed at rest and never shown (devops-apps-mesh 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final

from libs.shared.contracts.devops_v1 import CredentialChanged, CredentialCreated, CredentialDeleted
from libs.shared.errors import Flaw
from libs.shared.store.protocol import Index
from services.devops.domain.project import Project
from services.devops.domain.resource import CREDENTIALS, Housed, check_metadata, path_of

PREFIX: Final = "credential.devops.kubesphere.io/"
TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "basic-auth": ("username", "password"),
    "ssh-auth": ("username", "passphrase", "private_key"),
    "secret-text": ("secret",),
    "kubeconfig": ("content",),
}
"""Types that steps can be lent, and their parts."""
SHOWN: Final = frozenset({"username"})
"""What of a credential is readable."""
MOST: Final = 500
"""Credentials of a project."""


class Credential(Housed):
    """One credential. `shown` is plain text, `sealed` is what only runs of its project open."""

    COLLECTION: ClassVar[str] = "credentials"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("project",)),)

    type: str
    shown: Mapping[str, str] = {}
    sealed: Mapping[str, str] = {}

    @property
    def kind(self) -> str:
        """Its type without the prefix; empty for a Secret that is no credential."""
        return self.type.removeprefix(PREFIX) if self.type.startswith(PREFIX) else ""


@dataclass(frozen=True, slots=True)
class CredentialWish:
    """A credential as somebody wants it; `sealed` values are sealed already, and an empty one says nothing."""

    name: str
    type: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)
    sealed: Mapping[str, str] = field(default_factory=dict)


def belongs(project: Project, name: str, part: str) -> str:
    """What a sealed value is bound to: another project, or one that is made anew, can't open it."""
    return f"credentials/{project.uid}/{name}/{part}"


def make(wish: CredentialWish, project: str, *, uid: str, at: datetime) -> Credential:
    """A new credential. Raises `Invalid`."""
    check_metadata(CREDENTIALS, wish.name, wish.labels, wish.annotations)
    return Credential(
        path=path_of(project, wish.name),
        project=project,
        name=wish.name,
        uid=uid,
        labels=wish.labels,
        annotations=wish.annotations,
        created_at=at,
        type=wish.type,
        shown=wish.shown,
        sealed=wish.sealed,
    )


def change(before: Credential, wish: CredentialWish) -> Credential:
    """The credential as wished: a value that is masked or empty stays as it was. Raises `Invalid` for another type."""
    check_metadata(CREDENTIALS, before.name, wish.labels, wish.annotations)
    if wish.type != before.type:
        raise CREDENTIALS.invalid(before.name, Flaw("type", "field is immutable", wish.type))
    return before.changed(
        labels=wish.labels,
        annotations=wish.annotations,
        shown=_kept(before.shown, wish.shown),
        sealed=_kept(before.sealed, wish.sealed),
    )


def _kept(before: Mapping[str, str], wish: Mapping[str, str]) -> dict[str, str]:
    return {key: value or before.get(key, "") for key, value in wish.items()} if wish else dict(before)


def subject(credential: Credential) -> str:
    """What its events are about."""
    return f"credentials/{credential.path}"


def created(credential: Credential, workspace: str, by: str) -> CredentialCreated:
    """That it stands."""
    return CredentialCreated(**_told(credential, workspace, by))


def changed(credential: Credential, workspace: str, by: str) -> CredentialChanged:
    """That it is another now."""
    return CredentialChanged(**_told(credential, workspace, by))


def deleted(credential: Credential, workspace: str, by: str) -> CredentialDeleted:
    """That it is gone."""
    return CredentialDeleted(**_told(credential, workspace, by))


def _told(credential: Credential, workspace: str, by: str) -> dict[str, str]:
    return {
        "project": credential.project,
        "workspace": workspace,
        "credential": credential.name,
        "type": credential.kind or credential.type,
        "by": by,
    }
