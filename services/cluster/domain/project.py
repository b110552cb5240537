"""Projects: namespaces of a workspace, what stands in each of them, and how they end with their workspace (iam-gateway
8.2, 10.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from libs.shared.errors import Invalid
from libs.shared.objects import meta, names
from libs.shared.store.protocol import Document
from services.cluster.domain import resource
from services.cluster.domain.resource import RBAC, JsonObject

WORKSPACE = "kubesphere.io/workspace"
CREATOR = "kubesphere.io/creator"
PROJECT = "kubesphere.io/namespace"
DEVOPS = "kubesphere.io/devopsproject"
"""On a namespace that stands for a DevOps project, which has roles of its own."""
USER_REF = "iam.kubesphere.io/user-ref"
SCOPE = "namespace"
ADMIN = "admin"
RELEASES = "orrery-releases"
RELEASES_GROUP = "orrery:releases:"
INSTALLS = "edit"
"""The cluster role that releases run with in their project: it installs ordinary objects and grants nothing."""
LABELS_OF_TEMPLATES = "iam.kubesphere.io/role-template"
ANNOTATIONS: Mapping[str, str] = {
    "alias": "kubesphere.io/alias-name",
    "module": "iam.kubesphere.io/module",
    "ui": "iam.kubesphere.io/role-template-rules",
    "dependencies": "iam.kubesphere.io/dependencies",
    "aggregates": "iam.kubesphere.io/aggregation-roles",
    "creator": CREATOR,
}
"""What a seed says -> the annotation that says it."""


class Founded(Document):
    """That a project's creator was made its admin: once, so that nobody becomes admin by a later annotation."""

    COLLECTION: ClassVar[str] = "founded"

    KEY: ClassVar[str] = "uid"

    uid: str
    project: str
    creator: str


class Ending(Document):
    """That a workspace was deleted at a time: its projects of then go with it, or leave it."""

    COLLECTION: ClassVar[str] = "endings"

    name: str
    orphan: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """What one role of every project is made from, as the data file says it."""

    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    rules: Sequence[Mapping[str, Any]]

    def role(self, project: str) -> dict[str, Any]:
        """The Role as it should stand in a project."""
        about: dict[str, Any] = {"name": self.name, "namespace": project, "annotations": dict(self.annotations)}
        if self.labels:
            about["labels"] = dict(self.labels)
        return {
            "apiVersion": f"{RBAC}/v1",
            "kind": "Role",
            "metadata": about,
            "rules": [dict(rule) for rule in self.rules],
        }


def bases(file: Mapping[str, Any]) -> tuple[BuiltIn, ...]:
    """The roles of every project: built-in ones and templates, of the data file as parsed."""
    return tuple(_base(raw) for raw in (*file["roles"], *file["templates"]) if SCOPE in raw["scopes"])


def _base(raw: Mapping[str, Any]) -> BuiltIn:
    labels = {LABELS_OF_TEMPLATES: "false" if raw.get("hidden") else "true"} if raw.get("template") else {}
    said = {annotation: raw.get(key) for key, annotation in ANNOTATIONS.items()}
    return BuiltIn(raw["name"], labels, {key: value for key, value in said.items() if value}, raw["rules"])


def differs(standing: JsonObject, wanted: JsonObject) -> bool:
    """Whether a role says something else than it should; labels and annotations beyond ours are left alone."""
    if (standing.get("rules") or []) != wanted["rules"]:
        return True
    about = wanted["metadata"]
    return not (
        (about.get("labels") or {}).items() <= resource.labels(standing).items()
        and about["annotations"].items() <= resource.notes(standing).items()
    )


def restored(standing: JsonObject, wanted: JsonObject) -> dict[str, Any]:
    """The role as it should be, with whatever else stands on it."""
    about = {**resource.metadata(standing)}
    about["labels"] = {**resource.labels(standing), **(wanted["metadata"].get("labels") or {})}
    about["annotations"] = {**resource.notes(standing), **wanted["metadata"]["annotations"]}
    return {**dict(standing), "metadata": about, "rules": wanted["rules"]}


def binding(project: str, user: str, role: str) -> dict[str, Any]:
    """The RoleBinding that makes a user a member of a project (iam-gateway 7.2)."""
    return _binding(project, f"{user}-{role}", ("Role", role), ("User", user), {USER_REF: user})


def releases_binding(project: str) -> dict[str, Any]:
    """What releases may do in a project: their group is sent along with the user for whom they are installed."""
    return _binding(project, RELEASES, ("ClusterRole", INSTALLS), ("Group", RELEASES_GROUP + project), {})


def _binding(
    project: str, name: str, role: tuple[str, str], subject: tuple[str, str], labels: Mapping[str, str]
) -> dict[str, Any]:
    about: dict[str, Any] = {"name": name, "namespace": project}
    if labels:
        about["labels"] = dict(labels)
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": about,
        "subjects": [{"kind": subject[0], "apiGroup": RBAC, "name": subject[1]}],
        "roleRef": {"apiGroup": RBAC, "kind": role[0], "name": role[1]},
    }


def same_binding(standing: JsonObject, wanted: JsonObject) -> bool:
    """Whether a binding binds the same to the same."""
    return bool(standing.get("roleRef") == wanted["roleRef"] and standing.get("subjects") == wanted["subjects"])


def namespace(name: str, workspace: str, creator: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The Namespace to make of what a client sent: it belongs to this workspace, and to nobody but who asks.

    Raises `Invalid` for a name or metadata that Kubernetes would refuse.
    """
    given = body.get("metadata")
    about = dict(given) if isinstance(given, Mapping) else {}
    flaws = meta.check(about, name_rule=names.label)
    if flaws or not name:
        said = "; ".join(f"{flaw.field}: {flaw.text}" for flaw in flaws) or "metadata.name: Required value"
        raise Invalid("project-invalid", f'Namespace "{name}" is invalid: {said}', resource="namespaces", name=name)
    kept = {key: about[key] for key in ("name", "labels", "annotations") if about.get(key)}
    kept["labels"] = {**(kept.get("labels") or {}), WORKSPACE: workspace}
    kept["annotations"] = {**(kept.get("annotations") or {}), CREATOR: creator}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": kept}


def workspace_of(found: JsonObject | None) -> str:
    """The workspace that owns a namespace, empty for none."""
    return resource.labels(found).get(WORKSPACE, "") if found is not None else ""


def ends(found: JsonObject, ending: Ending) -> bool:
    """Whether a namespace was the deleted workspace's: one made later belongs to another of that name."""
    return not resource.made_after(found, ending.at)


def changed(before: JsonObject, wanted: Mapping[str, Any], workspace: str) -> dict[str, Any]:
    """A namespace with a client's labels and annotations: it stays in its workspace, and who made it stays said.

    Raises `Invalid` for metadata that Kubernetes would refuse.
    """
    given = wanted.get("metadata")
    about = dict(given) if isinstance(given, Mapping) else {}
    name = resource.name(before)
    if flaws := meta.check(about, name_rule=names.label):
        said = "; ".join(f"{flaw.field}: {flaw.text}" for flaw in flaws)
        raise Invalid("project-invalid", f'Namespace "{name}" is invalid: {said}', resource="namespaces", name=name)
    labels = {**(about.get("labels") or {}), WORKSPACE: workspace, PROJECT: name}
    annotations = {**(about.get("annotations") or {})}
    creator = resource.notes(before).get(CREATOR)
    if creator:
        annotations[CREATOR] = creator
    kept = {**resource.metadata(before), "labels": labels, "annotations": annotations}
    if about.get("resourceVersion"):
        kept["resourceVersion"] = about["resourceVersion"]
    return {**dict(before), "metadata": kept}
