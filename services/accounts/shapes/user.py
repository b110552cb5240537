"""User and LoginRecord (iam.kubesphere.io/v1alpha2). Neither ever holds a password or a hash."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from libs.shared.errors import Malformed
from libs.shared.objects import meta
from libs.shared.objects.reading import Reading
from libs.shared.objects.shapes import ObjectShape, Shape
from libs.shared.values import Secret
from services.accounts.domain.login import LoginRecord
from services.accounts.domain.resource import LOGIN_RECORDS, USERS
from services.accounts.domain.user import GLOBAL_ROLE, User, UserWish
from services.accounts.shapes.metadata import JsonObject, metadata, typed

WORKSPACE_ROLE = "iam.kubesphere.io/workspacerole"


class UserSpec(Shape):
    """What is said of a user. The password goes in and never comes out."""

    email: str | None = None
    lang: str | None = None
    description: str | None = None
    display_name: str | None = None
    groups: list[str] | None = None
    password: str | None = Field(
        default=None, description="8 to 64 characters; written only", json_schema_extra={"writeOnly": True}
    )


class UserStatus(Shape):
    """Whether he may sign in, and since when."""

    state: str | None = Field(default=None, description="Active, Disabled or AuthLimitExceeded")
    reason: str | None = None
    last_transition_time: str | None = None
    last_login_time: str | None = None


class UserShape(ObjectShape):
    """A user; the annotation `iam.kubesphere.io/globalrole` names his global role."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "metadata": {"name": "bob", "annotations": {GLOBAL_ROLE: "platform-regular"}},
                    "spec": {"email": "bob@example.com", "password": "S0me-Passw0rd"},
                }
            ]
        }
    )

    spec: UserSpec | None = None
    status: UserStatus | None = None


class LoginSpec(Shape):
    """How an attempt to sign in ended."""

    type: str
    provider: str
    source_ip: str = Field(alias="sourceIP")
    user_agent: str
    success: bool
    reason: str


class LoginRecordShape(ObjectShape):
    """An attempt to sign in."""

    spec: LoginSpec


class PasswordShape(Shape):
    """A new password, with the old one where his own is changed."""

    password: str
    current_password: str | None = None


def user(kept: User, *, global_role: str = "", workspace_role: str = "") -> JsonObject:
    """A user; the role of the scope that was asked for stands in an annotation."""
    spec = {
        "email": kept.email,
        "lang": kept.lang,
        "description": kept.description,
        "displayName": kept.display_name,
        "groups": list(kept.groups),
    }
    status = {
        "state": kept.state.value,
        "reason": kept.reason,
        "lastTransitionTime": meta.instant(kept.state_since) if kept.state_since else "",
        "lastLoginTime": meta.instant(kept.last_login_at) if kept.last_login_at else "",
    }
    roles = {GLOBAL_ROLE: global_role, WORKSPACE_ROLE: workspace_role}
    return typed(
        USERS,
        "v1alpha2",
        metadata=metadata(kept, annotations=roles),
        spec={key: value for key, value in spec.items() if value or key == "email"},
        status={key: value for key, value in status.items() if value},
    )


def user_wish(body: Any) -> UserWish:
    """The user that a client wants; raises `Malformed` for a field of the wrong type."""
    whole = Reading.of(body)
    about, spec = whole.inside("metadata"), whole.inside("spec")
    annotations = about.mapping("annotations")
    return UserWish(
        name=about.text("name"),
        email=spec.text("email"),
        lang=spec.text("lang"),
        description=spec.text("description"),
        display_name=spec.text("displayName"),
        groups=spec.texts("groups"),
        labels=about.mapping("labels"),
        annotations=annotations,
        state=whole.inside("status").text("state") or None,
        global_role=annotations.get(GLOBAL_ROLE) or None,
    )


def password(body: Any) -> Secret | None:
    """The password in a user's spec, or None."""
    given = Reading.of(body).inside("spec").text("password")
    return Secret(given) if given else None


def passwords(body: Any) -> tuple[Secret, Secret]:
    """The old and the new password of a change; raises `Malformed` without a new one."""
    whole = Reading.of(body)
    new = whole.text("password")
    if not new:
        raise Malformed("password-missing", "password should be the new password")
    return Secret(whole.text("currentPassword")), Secret(new)


def version(body: Any) -> str:
    """The resourceVersion that a client saw."""
    return Reading.of(body).inside("metadata").text("resourceVersion")


def name(body: Any) -> str:
    """The name in an object's metadata."""
    return Reading.of(body).inside("metadata").text("name")


def login_record(kept: LoginRecord) -> JsonObject:
    """How an attempt to sign in ended."""
    spec = {
        "type": kept.type.value,
        "provider": kept.provider,
        "sourceIP": kept.source_ip,
        "userAgent": kept.user_agent,
        "success": kept.success,
        "reason": kept.reason,
    }
    return typed(LOGIN_RECORDS, "v1alpha2", metadata=metadata(kept, generate_name=f"{kept.user}-"), spec=spec)
