"""DevOpsProject (devops.kubesphere.io/v1alpha3), its roles and its members."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from libs.shared.contracts.devops_v1 import Rule
from libs.shared.errors import Malformed
from libs.shared.objects.reading import Reading
from libs.shared.objects.shapes import ObjectShape, Shape
from services.devops.domain.project import SPEC_BYTES, Project, ProjectWish
from services.devops.domain.resource import PROJECTS, WORKSPACE, derived_uid
from services.devops.domain.role import Invitation, Role, RoleWish, Seed
from services.devops.queries.project import Member
from services.devops.shapes.bounded import bounded
from services.devops.shapes.metadata import JsonObject, free, metadata, typed

MOST_INVITED = 1000
ROLE = "iam.kubesphere.io/role"


class ProjectStatus(Shape):
    """Where what belongs to the project is."""

    admin_namespace: str | None = None


class ProjectShape(ObjectShape):
    """A DevOps project: `metadata.generateName` is the name that people gave it, `metadata.name` the one in paths."""

    spec: dict[str, Any] | None = None
    status: ProjectStatus | None = None


class RuleShape(Shape):
    """A PolicyRule of rbac/v1."""

    verbs: list[str] | None = None
    api_groups: list[str] | None = None
    resources: list[str] | None = None
    resource_names: list[str] | None = None
    non_resource_urls: list[str] | None = Field(default=None, alias="nonResourceURLs")


class RoleShape(ObjectShape):
    """A role. Its rules follow from the templates that the annotation `iam.kubesphere.io/aggregation-roles` names."""

    rules: list[RuleShape] | None = None


class MemberShape(Shape):
    """A member of a project and the role that he has there."""

    username: str
    role_ref: str = Field(description="the name of a role of the project, such as viewer")


class PersonShape(ObjectShape):
    """A member as a user."""

    spec: dict[str, Any] | None = None
    status: dict[str, Any] | None = None


def project(kept: Project) -> JsonObject:
    """The project."""
    return {"metadata": metadata(kept), "spec": free(kept.spec), "status": {"adminNamespace": kept.namespace}}


def typed_project(kept: Project) -> JsonObject:
    """The project with its kind."""
    return typed(PROJECTS, "v1alpha3", project(kept))


def project_wish(body: Any, workspace: str = "") -> ProjectWish:
    """The project that a client wants; the workspace is that of the path, or of the label where the path has none.

    Raises `Malformed` for a field of the wrong type.
    """
    whole = Reading.of(body)
    about = whole.inside("metadata")
    labels = about.mapping("labels")
    return ProjectWish(
        name=about.text("name"),
        generate_name=about.text("generateName"),
        workspace=workspace or labels.get(WORKSPACE, ""),
        labels={key: value for key, value in labels.items() if key != WORKSPACE},
        annotations=about.mapping("annotations"),
        spec=bounded(whole.inside("spec").value, "spec", SPEC_BYTES),
    )


def version(body: Any) -> str:
    """The resourceVersion that a client names."""
    return Reading.of(body).inside("metadata").text("resourceVersion")


def rule(kept: Rule) -> JsonObject:
    """A PolicyRule of rbac/v1."""
    whole = {
        "verbs": list(kept.verbs),
        "apiGroups": list(kept.api_groups),
        "resources": list(kept.resources),
        "resourceNames": list(kept.resource_names),
        "nonResourceURLs": list(kept.non_resource_urls),
    }
    return {key: value for key, value in whole.items() if value}


def role(kept: Role) -> JsonObject:
    """A role of the project."""
    return {
        "metadata": metadata(kept, namespace=kept.project, counted=False),
        "rules": [rule(one) for one in kept.rules],
    }


def template(seed: Seed, kept: Project) -> JsonObject:
    """A template as the project's role: the same in each, with the project's own time."""
    about = {
        "name": seed.name,
        "namespace": kept.namespace,
        "uid": derived_uid(kept.uid, "template", seed.name),
        "creationTimestamp": metadata(kept)["creationTimestamp"],
        "labels": dict(seed.labels),
        "annotations": dict(seed.annotations),
    }
    return {
        "metadata": {key: value for key, value in about.items() if value},
        "rules": [rule(one) for one in seed.rules],
    }


def role_wish(body: Any) -> RoleWish:
    """The role that a client wants; its rules are not read (iam-gateway 7.3)."""
    about = Reading.of(body).inside("metadata")
    return RoleWish(about.text("name"), about.mapping("labels"), about.mapping("annotations"))


def member(found: Member) -> JsonObject:
    """A member as a user with his role."""
    person = found.person
    about = {"name": person.name, "uid": person.uid, "annotations": {ROLE: found.role}}
    spec = {"email": person.email, "lang": person.lang}
    return {
        "metadata": about,
        "spec": {key: value for key, value in spec.items() if value},
        "status": {"state": person.state} if person.state else {},
    }


def invitation(body: Any) -> Invitation:
    """One member; raises `Malformed` without a user name or a role."""
    whole = Reading.of(body)
    found = Invitation(whole.text("username"), whole.text("roleRef"))
    if not found.user or not found.role:
        raise Malformed("member-incomplete", "a member has a username and a roleRef")
    return found


def invitations(body: Any) -> tuple[Invitation, ...]:
    """A list of members."""
    if not isinstance(body, list):
        raise Malformed("body-not-list", "the body should be a JSON list of members")
    if len(body) > MOST_INVITED:
        raise Malformed("too-many-members", f"at most {MOST_INVITED} members are invited at once")
    return tuple(invitation(item) for item in body)


def invited(found: Invitation) -> JsonObject:
    """One member as he was named."""
    return {"username": found.user, "roleRef": found.role}
