"""A DevOps project: a room in a workspace with pipelines, credentials, roles and members of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from libs.shared.contracts.devops_v1 import DevOpsProjectChanged, DevOpsProjectCreated, DevOpsProjectDeleted
from libs.shared.errors import Exists, Flaw
from libs.shared.objects import names
from libs.shared.store.protocol import Index
from services.devops.domain.resource import (
    CREATOR,
    PROJECTS,
    WORKSPACE,
    Resource,
    check_metadata,
    generated,
    required,
)

LONGEST = 63
"""A project's name is that of a namespace, and the value of labels."""
LONGEST_PREFIX = 58
SPEC_BYTES = 64 << 10


class Project(Resource):
    """One project. `spec` is kept as it was given: nothing here acts on it."""

    COLLECTION: ClassVar[str] = "devopsprojects"
    WATCHED: ClassVar[bool] = True
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("workspace",)), Index(("called",), unique=True))

    workspace: str
    called: str = ""
    """`workspace/generateName`: unique; empty where it was named outright."""
    creator: str = ""
    spec: Mapping[str, Any] = {}

    @property
    def namespace(self) -> str:
        """The namespace that paths name it by."""
        return self.name


@dataclass(frozen=True, slots=True)
class ProjectWish:
    """A project as somebody wants it."""

    name: str = ""
    generate_name: str = ""
    workspace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)


def make(wish: ProjectWish, *, uid: str, by: str, at: datetime) -> Project:
    """A new project. Its creator is who asks, whatever the annotation says: he will be its administrator.

    Raises `Invalid` for a bad name, label or annotation, or where no workspace is named.
    """
    if not wish.name and not wish.generate_name:
        raise PROJECTS.invalid("", required("metadata.generateName", "generateName is required"))
    name = wish.name or generated(wish.generate_name[:LONGEST_PREFIX], uid)
    check_metadata(PROJECTS, name, wish.labels, wish.annotations)
    flaws = [Flaw("metadata.name", text, name) for text in names.label(name)]
    if not wish.workspace or names.label_value(wish.workspace):
        flaws.append(Flaw(f"metadata.labels[{WORKSPACE}]", "must name the workspace that it is made in"))
    if flaws:
        raise PROJECTS.invalid(name, *flaws)
    return Project(
        name=name,
        generate_name=wish.generate_name,
        uid=uid,
        labels={**wish.labels, WORKSPACE: wish.workspace},
        annotations={**wish.annotations, CREATOR: by},
        created_at=at,
        workspace=wish.workspace,
        called=f"{wish.workspace}/{wish.generate_name}" if wish.generate_name else "",
        creator=by,
        spec=wish.spec,
    )


def change(project: Project, wish: ProjectWish) -> Project:
    """The project as wished; its workspace and its creator stay. Raises `Invalid`."""
    check_metadata(PROJECTS, project.name, wish.labels, wish.annotations)
    return project.changed(
        labels={**wish.labels, WORKSPACE: project.workspace},
        annotations={**wish.annotations, CREATOR: project.creator},
        spec=wish.spec,
    )


def taken(name: str) -> Exists:
    """A display name that another project of the workspace has."""
    text = (
        f'Operation cannot be fulfilled on devopsproject.devops.kubesphere.io "{name}": '
        f"a devops project named {name} already exists in the workspace"
    )
    return Exists("devopsproject-name-taken", text, resource=PROJECTS.plural, name=name)


def subject(name: str) -> str:
    """What events of a project, its roles and bindings are about."""
    return f"devopsprojects/{name}"


def created(project: Project) -> DevOpsProjectCreated:
    """That it stands."""
    return DevOpsProjectCreated(
        project=project.name,
        uid=project.uid,
        workspace=project.workspace,
        namespace=project.namespace,
        creator=project.creator,
    )


def changed(project: Project, *, by: str) -> DevOpsProjectChanged:
    """That it says something else of itself."""
    return DevOpsProjectChanged(
        project=project.name, uid=project.uid, workspace=project.workspace, namespace=project.namespace, by=by
    )


def deleted(project: Project, *, by: str) -> DevOpsProjectDeleted:
    """That it is gone."""
    return DevOpsProjectDeleted(project=project.name, uid=project.uid, workspace=project.workspace, by=by)
