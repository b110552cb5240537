"""Wire JSON of the gateway's own answers: Kubernetes' Status, the switches, the versions, reviews."""

from __future__ import annotations

from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from libs.shared.errors import (
    Busy,
    Conflict,
    Denied,
    Fault,
    Invalid,
    Limited,
    Missing,
    TooLarge,
    Unauthenticated,
    Unsupported,
)
from services.gateway.domain.attributes import Attributes

NOT_FOUND = "404: Page Not Found"
NOT_ALLOWED = "405: Method Not Allowed"
NOWHERE = "404 page not found\n"


def status(
    code: int, reason: str, message: str, *, details: dict[str, str] | None = None, retry_after: float = 0
) -> web.Response:
    """A Kubernetes Status, as filters of the original answer on every path."""
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    if details is not None:
        body["details"] = details
    response = web.json_response(body, status=code)
    response.headers["X-Content-Type-Options"] = "nosniff"
    if retry_after:
        response.headers["Retry-After"] = str(max(1, round(retry_after)))
    return response


REASONS: tuple[tuple[type[Fault], int, str], ...] = (
    (Unauthenticated, 401, "Unauthorized"),
    (Denied, 403, "Forbidden"),
    (TooLarge, 413, "RequestEntityTooLarge"),
    (Unsupported, 405, "MethodNotAllowed"),
    (Invalid, 400, "BadRequest"),
    (Missing, 404, "NotFound"),
    (Conflict, 409, "Conflict"),
    (Limited, 429, "TooManyRequests"),
    (Busy, 503, "ServiceUnavailable"),
)


def refusal(fault: Fault, asked: Attributes) -> web.Response:
    """A fault that the gateway itself raises, as the Status that filters answer with on every path."""
    code, reason = next(
        ((code, reason) for kind, code, reason in REASONS if isinstance(fault, kind)), (500, "InternalError")
    )
    if isinstance(fault, Unauthenticated):
        return status(code, reason, f"Unauthorized: {fault.text}")
    about = details(asked) if isinstance(fault, Denied) else None
    return status(code, reason, fault.text, details=about, retry_after=fault.retry_after)


def unknown_method(method: str) -> Unsupported:
    """The refusal of a method that HTTP may know and we don't."""
    return Unsupported("method", f"the method {method[:16]} is not served")


def details(asked: Attributes) -> dict[str, str]:
    """What a refusal is about: name, group and kind, each only where there is one."""
    found = {"name": asked.name, "group": asked.group, "kind": asked.resource}
    return {key: value for key, value in found.items() if value}


class Shape(BaseModel):
    """A body that is sent to us: an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MayShape(Shape):
    """One permission that is asked about."""

    verb: str
    resource: str
    group: str = ""
    name: str = ""
    scope: Literal["Global", "Cluster", "Workspace", "Namespace", "DevOps"] = "Global"
    workspace: str = ""
    namespace: str = ""


class MineShape(Shape):
    """Which places the caller is bound in."""

    of: Literal["workspaces", "namespaces"]


class RuleShape(Shape):
    """A PolicyRule, in Kubernetes' names."""

    verbs: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = Field(default=(), alias="apiGroups")
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = Field(default=(), alias="resourceNames")
    non_resource_urls: tuple[str, ...] = Field(default=(), alias="nonResourceURLs")


class HoldsShape(Shape):
    """Whether the caller holds all of these rules, in a workspace or in the platform."""

    workspace: str = ""
    rules: tuple[RuleShape, ...] = Field(max_length=500)


class ReviewShape(Shape):
    """What a service asks on a caller's behalf."""

    may: tuple[MayShape, ...] = Field(default=(), max_length=1000)
    mine: tuple[MineShape, ...] = Field(default=(), max_length=10)
    holds: tuple[HoldsShape, ...] = Field(default=(), max_length=100)


class ReviewedShape(BaseModel):
    """The answers, in the order of the questions."""

    may: list[bool]
    mine: list[list[str]]
    holds: list[bool]
