"""What every object of ours has, and how its faults are worded: Kubernetes' words, which clients search for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from libs.shared.errors import Denied, Exists, Flaw, Invalid, Missing, Stale
from libs.shared.objects import meta
from libs.shared.store.protocol import Document

CREATOR = "kubesphere.io/creator"
ALIAS = "kubesphere.io/alias-name"
WORKSPACE = "kubesphere.io/workspace"
USER_REF = "iam.kubesphere.io/user-ref"
IAM = "iam.kubesphere.io"
TENANT = "tenant.kubesphere.io"


class Resource(Document):
    """A document that is an object with metadata on the wire. `generation` counts changes of what it says."""

    uid: str
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    created_at: datetime
    generation: int = 1
    name: str

    def changed(self, **update: object) -> Self:
        """Itself with these fields, one generation on; its stamp goes along."""
        return self.noted(**update, generation=self.generation + 1)

    def noted(self, **update: object) -> Self:
        """Itself with these fields, of the same generation: for what is observed of it, not wished."""
        return self.model_copy(update=update).stamped(replace(self.stamp))


def derived_uid(uid: str, kind: str, name: str) -> str:
    """The uid (UUID version 8, RFC 9562) of something that comes into being with another: a unit that is run again
    makes the same.
    """
    digest = bytearray(hashlib.sha256(f"{uid}/{kind}/{name}".encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


@dataclass(frozen=True, slots=True)
class Noun:
    """How a kind of object is called on the wire, and its faults. `singular` is what lookups say, `plural` writes."""

    plural: str
    singular: str
    kind: str
    group: str = IAM

    def unknown(self, name: str) -> Missing:
        """A lookup that found nothing."""
        return Missing(
            f"{self.singular}-missing",
            f'{self.singular}.{self.group} "{name}" not found',
            resource=self.plural,
            name=name,
        )

    def missing(self, name: str) -> Missing:
        """A write to what is not there."""
        return Missing(
            f"{self.singular}-missing",
            f'{self.plural}.{self.group} "{name}" not found',
            resource=self.plural,
            name=name,
        )

    def exists(self, name: str) -> Exists:
        """A name that is taken."""
        text = f'{self.plural}.{self.group} "{name}" already exists'
        return Exists(f"{self.singular}-exists", text, resource=self.plural, name=name)

    def stale(self, name: str) -> Stale:
        """A write that is based on an older version."""
        text = (
            f'Operation cannot be fulfilled on {self.plural}.{self.group} "{name}": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )
        return Stale(f"{self.singular}-stale", text, resource=self.plural, name=name)

    def denied(self, name: str, text: str) -> Denied:
        """A wish that the caller's roles don't allow."""
        return Denied(
            f"{self.singular}-denied",
            f'{self.plural}.{self.group} "{name}" is forbidden: {text}',
            resource=self.plural,
            name=name,
        )

    def invalid(self, name: str, *flaws: Flaw, who: str = "") -> Invalid:
        """An object with flaws. A flaw without a value says all that is to be said of it in its text."""
        told = [_told(flaw) for flaw in flaws]
        what = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
        text = f'{who or self.kind}.{self.group} "{name}" is invalid: {what}'
        return Invalid(f"{self.singular}-invalid", text, resource=self.plural, name=name, flaws=flaws)


def _told(flaw: Flaw) -> str:
    """A flaw in Kubernetes' words."""
    if flaw.value is None:
        return f"{flaw.field}: {flaw.text}"
    value = f'"{flaw.value}"' if isinstance(flaw.value, str) else flaw.value
    return f"{flaw.field}: Invalid value: {value}: {flaw.text}"


def required(field: str, text: str) -> Flaw:
    """A field that must be given."""
    return Flaw(field, f"Required value: {text}")


def metadata_flaws(name: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> tuple[Flaw, ...]:
    """What is wrong with an object's name (RFC 1123 subdomain), labels and annotations."""
    if not name:
        return (required("metadata.name", "name or generateName is required"),)
    return meta.check({"name": name, "labels": labels, "annotations": annotations})


def checked_version(noun: Noun, current: Resource, version: str) -> None:
    """Raise `Invalid` for a write that names no version, `Stale` for one that names another than the present."""
    if not version or version == "0":
        flaw = Flaw("metadata.resourceVersion", "must be specified for an update", 0)
        raise noun.invalid(current.name, flaw, who=noun.plural)
    if version != str(current.stamp.revision):
        raise noun.stale(current.name)


USERS = Noun("users", "user", "User")
GLOBAL_ROLES = Noun("globalroles", "globalrole", "GlobalRole")
GLOBAL_BINDINGS = Noun("globalrolebindings", "globalrolebinding", "GlobalRoleBinding")
WORKSPACE_ROLES = Noun("workspaceroles", "workspacerole", "WorkspaceRole")
WORKSPACE_BINDINGS = Noun("workspacerolebindings", "workspacerolebinding", "WorkspaceRoleBinding")
ROLE_BASES = Noun("rolebases", "rolebase", "RoleBase")
LOGIN_RECORDS = Noun("loginrecords", "loginrecord", "LoginRecord")
TEMPLATES = Noun("workspacetemplates", "workspacetemplate", "WorkspaceTemplate", TENANT)
WORKSPACES = Noun("workspaces", "workspace", "Workspace", TENANT)
