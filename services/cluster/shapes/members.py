"""Members as clients name them: `{"username", "roleRef"}`, and the users that they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from libs.shared.errors import Malformed
from libs.shared.http.listing import Filter
from libs.shared.objects.shapes import ObjectShape, Shape
from services.cluster.domain import resource
from services.cluster.domain.member import Invitation

ROLE = "iam.kubesphere.io/role"
LIMIT = 100
LONGEST = 253


class MemberShape(Shape):
    """A member of a project and the role that he has there."""

    username: str
    role_ref: str = Field(description="the name of a role of the project, such as viewer")


class MemberUserShape(ObjectShape):
    """A user; the annotation `iam.kubesphere.io/role` names his role in the project."""


def invitation(body: Any) -> Invitation:
    """One member; raises `Malformed` without a user name or a role."""
    if not isinstance(body, Mapping):
        raise Malformed("body-not-object", "the body should be a JSON object")
    user, role = body.get("username"), body.get("roleRef")
    if not (isinstance(user, str) and isinstance(role, str) and 0 < len(user) <= LONGEST and 0 < len(role) <= LONGEST):
        raise Malformed("member-incomplete", "a member has a username and a roleRef")
    return Invitation(user, role)


def invitations(body: Any) -> tuple[Invitation, ...]:
    """A list of members."""
    if not isinstance(body, list):
        raise Malformed("body-not-list", "the body should be a JSON list of members")
    if len(body) > LIMIT:
        raise Malformed("too-many-members", f"at most {LIMIT} members are invited at once")
    return tuple(invitation(item) for item in body)


def shown(given: Invitation) -> dict[str, str]:
    """One member."""
    return {"username": given.user, "roleRef": given.role}


def user(found: Mapping[str, Any], role: str) -> dict[str, Any]:
    """A user with the role that he has in the project."""
    about = found.get("metadata") or {}
    return {**found, "metadata": {**about, "annotations": {**(about.get("annotations") or {}), ROLE: role}}}


FILTERS: Mapping[str, Filter] = {
    "role": lambda found, value: resource.notes(found).get(ROLE) == value,
    "email": lambda found, value: (found.get("spec") or {}).get("email") == value,
}
