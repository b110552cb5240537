"""Members of a workspace as clients name them: `{"username", "roleRef"}`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from libs.shared.errors import Malformed
from libs.shared.objects.reading import Reading
from libs.shared.objects.shapes import Shape
from services.accounts.domain.member import Invitation
from services.accounts.shapes.metadata import JsonObject

LIMIT = 1000


class MemberShape(Shape):
    """A member of a workspace and the role that he has there."""

    username: str
    role_ref: str = Field(description="the name of a role of the workspace, such as ws1-viewer")


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
    if len(body) > LIMIT:
        raise Malformed("too-many-members", f"at most {LIMIT} members are invited at once")
    return tuple(invitation(item) for item in body)


def member(found: Invitation) -> JsonObject:
    """One member."""
    return {"username": found.user, "roleRef": found.role}
