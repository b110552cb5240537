"""What every object of ours has, and how its faults are worded: Kubernetes' words, which clients search for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Self

from libs.shared.errors import Exists, Flaw, Invalid, Missing, Stale
from libs.shared.objects import meta
from libs.shared.store.protocol import Document

CREATOR = "kubesphere.io/creator"
WORKSPACE = "kubesphere.io/workspace"
DEVOPS = "devops.kubesphere.io"
RBAC = "rbac.authorization.k8s.io"
DEEPEST = 32
"""How deep an object's free part may be nested."""


class Resource(Document):
    """A document that is an object with metadata on the wire. `generation` counts changes of what it says."""

    uid: str
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    created_at: datetime
    generation: int = 1
    name: str
    generate_name: str = ""

    def changed(self, **update: object) -> Self:
        """Itself with these fields, one generation on; its stamp goes along."""
        return self.noted(**update, generation=self.generation + 1)

    def noted(self, **update: object) -> Self:
        """Itself with these fields, of the same generation: for what is observed of it, not wished."""
        return self.model_copy(update=update).stamped(replace(self.stamp))


class Housed(Resource):
    """An object of a project; its key is `project/name`."""

    KEY: ClassVar[str] = "path"

    path: str
    project: str


def derived_uid(uid: str, kind: str, name: str) -> str:
    """The uid (UUID version 8, RFC 9562) of something that comes into being with another: a unit that is run again
    makes the same.
    """
    digest = bytearray(hashlib.sha256(f"{uid}/{kind}/{name}".encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def generated(prefix: str, seed: str) -> str:
    """A name of this prefix whose suffix follows from the seed."""
    return meta.generated_name(prefix, hashlib.sha256(seed.encode()).digest())


@dataclass(frozen=True, slots=True)
class Noun:
    """How a kind of object is called on the wire, and its faults."""

    plural: str
    singular: str
    kind: str
    group: str = DEVOPS

    def missing(self, name: str, *, who: str = "") -> Missing:
        """What is looked for is not there; `who` is what the text calls it, its plural unless given."""
        called = f"{who or self.plural}{self._dotted}"
        return Missing(f"{self.singular}-missing", f'{called} "{name}" not found', resource=self.plural, name=name)

    def exists(self, name: str) -> Exists:
        """A name that is taken."""
        text = f'{self.plural}{self._dotted} "{name}" already exists'
        return Exists(f"{self.singular}-exists", text, resource=self.plural, name=name)

    def stale(self, name: str) -> Stale:
        """A write that is based on an older version."""
        text = (
            f'Operation cannot be fulfilled on {self.plural}{self._dotted} "{name}": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )
        return Stale(f"{self.singular}-stale", text, resource=self.plural, name=name)

    def invalid(self, name: str, *flaws: Flaw, who: str = "") -> Invalid:
        """An object with flaws. A flaw without a value says all that is to be said of it in its text."""
        told = [_told(flaw) for flaw in flaws]
        what = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
        text = f'{who or self.kind}{self._dotted} "{name}" is invalid: {what}'
        return Invalid(f"{self.singular}-invalid", text, resource=self.plural, name=name, flaws=flaws)

    @property
    def _dotted(self) -> str:
        return f".{self.group}" if self.group else ""


def _told(flaw: Flaw) -> str:
    """A flaw in Kubernetes' words."""
    if flaw.value is None:
        return f"{flaw.field}: {flaw.text}"
    value = f'"{flaw.value}"' if isinstance(flaw.value, str) else flaw.value
    return f"{flaw.field}: Invalid value: {value}: {flaw.text}"


def required(field: str, text: str) -> Flaw:
    """A field that must be given."""
    return Flaw(field, f"Required value: {text}")


def check_metadata(noun: Noun, name: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> None:
    """Raise `Invalid` for a bad name (RFC 1123 subdomain), label or annotation."""
    if not name:
        raise noun.invalid("", required("metadata.name", "name or generateName is required"))
    flaws = meta.check({"name": name, "labels": labels, "annotations": annotations})
    if flaws:
        raise noun.invalid(name, *flaws)


def check_version(noun: Noun, current: Resource, version: str) -> None:
    """Raise `Invalid` for a write that names no version, `Stale` for one that names another than the present."""
    if not version or version == "0":
        flaw = Flaw("metadata.resourceVersion", "must be specified for an update", 0)
        raise noun.invalid(current.name, flaw, who=noun.plural)
    if version != str(current.stamp.revision):
        raise noun.stale(current.name)


def path_of(project: str, name: str) -> str:
    """The key of an object of a project."""
    return f"{project}/{name}"


PROJECTS = Noun("devopsprojects", "devopsproject", "DevOpsProject")
ROLES = Noun("roles", "role", "Role", RBAC)
BINDINGS = Noun("rolebindings", "rolebinding", "RoleBinding", RBAC)
CREDENTIALS = Noun("secrets", "secret", "Secret", "")
PIPELINES = Noun("pipelines", "pipeline", "Pipeline")
RUNS = Noun("pipelineruns", "pipelinerun", "PipelineRun")
USERS = Noun("users", "user", "User", "iam.kubesphere.io")
