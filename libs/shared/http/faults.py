"""Faults on the wire. This file alone knows statuses; it answers in the dialect of the route's family.

Wordings are KubeSphere's and Kubernetes' (iam-gateway, section 1.3), OAuth's (RFC 6749, 5.2), and RFC 9457 for ours.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from libs.shared import errors
from libs.shared.errors import Fault
from libs.shared.http.route import Dialect

STATUSES: tuple[tuple[type[Fault], int, str], ...] = (
    (errors.Gone, 410, "Expired"),
    (errors.Missing, 404, "NotFound"),
    (errors.Exists, 409, "AlreadyExists"),
    (errors.Conflict, 409, "Conflict"),
    (errors.Malformed, 400, "BadRequest"),
    (errors.TooLarge, 413, "RequestEntityTooLarge"),
    (errors.Unsupported, 415, "UnsupportedMediaType"),
    (errors.Invalid, 422, "Invalid"),
    (errors.Denied, 403, "Forbidden"),
    (errors.Unauthenticated, 401, "Unauthorized"),
    (errors.Limited, 429, "TooManyRequests"),
    (errors.Busy, 503, "ServiceUnavailable"),
    (errors.Broken, 500, "InternalError"),
)
"""Kind of fault -> status and Kubernetes' reason; the first that fits."""
METHOD_REFUSED = "method-not-allowed"
"""Slug of the `Unsupported` that is about the method, not the media type."""
NOT_FOUND = 404
JSON = "application/json"
PROBLEM = "application/problem+json"
OAUTH_ERRORS = {400: "invalid_request", 401: "invalid_client", 429: "invalid_grant", 503: "temporarily_unavailable"}
MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
MISSES = {
    404: "404: Page Not Found",
    405: "405: Method Not Allowed",
    406: "406: Not Acceptable",
    415: "415: Unsupported Media Type",
}


def status_of(fault: Fault) -> tuple[int, str]:
    """HTTP status and Kubernetes' reason."""
    if isinstance(fault, errors.Unsupported) and fault.slug == METHOD_REFUSED:
        return 405, "MethodNotAllowed"
    return next(
        ((status, reason) for kind, status, reason in STATUSES if isinstance(fault, kind)), (500, "InternalError")
    )


def dialect_of(path: str) -> Dialect:
    """The dialect of a path's family."""
    if path.startswith("/oauth"):
        return Dialect.OAUTH
    if path.startswith("/internal/") or (path.startswith("/kapis/") and "orrery.io/" in path):
        return Dialect.ORRERY
    return Dialect.KUBESPHERE if path.startswith("/kapis/") else Dialect.KUBERNETES


def answer(fault: Fault, dialect: Dialect, groups: Mapping[str, str]) -> web.Response:
    """The fault as a response. `groups` gives the API group of a resource that it names."""
    status, reason = status_of(fault)
    headers = {"Retry-After": f"{max(1, round(fault.retry_after))}"} if status in (429, 503) else {}
    if dialect is Dialect.KUBESPHERE:
        return plain(worded(fault, groups), status, headers)
    if dialect is Dialect.KUBERNETES:
        return json_response(kubernetes_status(fault, groups, status, reason), status, headers)
    if dialect is Dialect.OAUTH:
        return json_response(_oauth(fault, status), status, headers)
    return json_response(_problem(fault, status, reason), status, headers, PROBLEM)


def worded(fault: Fault, groups: Mapping[str, str]) -> str:
    """The sentence as Kubernetes words it where the fault is about an object, else the fault's own."""
    if not fault.resource or not fault.name or _is_worded(fault):
        return fault.text
    about = f'{qualified(fault.resource, groups)} "{fault.name}"'
    match fault:
        case errors.Missing():
            said = f"{about} not found"
        case errors.Exists():
            said = f"{about} already exists"
        case errors.Stale():
            said = f"Operation cannot be fulfilled on {about}: {MODIFIED}"
        case errors.Denied():
            said = f"{about} is forbidden: {fault.text}"
        case errors.Invalid() if fault.flaws and not isinstance(fault, errors.Malformed):
            said = f"{about} is invalid: {flawed(fault)}"
        case _:
            said = fault.text
    return said


def _is_worded(fault: Fault) -> bool:
    """Whether its own sentence has Kubernetes' form already, as that of kinds and of KubeSphere's lookups has, which
    name the object by kind or in the singular.
    """
    said = (f'"{fault.name}" {verb}' for verb in ("not found", "already exists", "is forbidden", "is invalid"))
    return fault.text.startswith("Operation cannot be fulfilled on") or any(text in fault.text for text in said)


def flawed(fault: Fault) -> str:
    """The flaws as Kubernetes lists them: bare when one, in brackets when several."""
    found = [f"{flaw.field}: {flaw.text}" for flaw in fault.flaws]
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]"


def qualified(resource: str, groups: Mapping[str, str]) -> str:
    """`users.iam.kubesphere.io`, or the bare resource of the core group."""
    group = groups.get(resource, "")
    return f"{resource}.{group}" if group else resource


def kubernetes_status(fault: Fault, groups: Mapping[str, str], status: int, reason: str) -> dict[str, Any]:
    """A `Status` object (meta/v1)."""
    causes = [{"reason": "FieldValueInvalid", "message": flaw.text, "field": flaw.field} for flaw in fault.flaws]
    details = {
        "name": fault.name,
        "group": groups.get(fault.resource, ""),
        "kind": fault.resource,
        "causes": causes,
        "retryAfterSeconds": max(1, round(fault.retry_after)) if status in (429, 503) else 0,
    }
    found = {key: value for key, value in details.items() if value}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": worded(fault, groups),
        "reason": reason,
        **({"details": found} if found else {}),
        "code": status,
    }


def _oauth(fault: Fault, status: int) -> dict[str, str]:
    """The slug is the error code where it is one of OAuth's (they have underscores, ours have hyphens)."""
    code = fault.slug if "-" not in fault.slug else OAUTH_ERRORS.get(status, "server_error")
    return {"error": code} | ({"error_description": fault.text} if fault.text else {})


def _problem(fault: Fault, status: int, reason: str) -> dict[str, Any]:
    problem: dict[str, Any] = {"type": f"urn:orrery:problem:{fault.slug}", "title": reason, "status": status}
    problem |= {"detail": fault.text, "slug": fault.slug}
    if fault.flaws:
        problem["flaws"] = [{"field": flaw.field, "detail": flaw.text} for flaw in fault.flaws]
    return problem


def miss(status: int, dialect: Dialect, path: str) -> web.Response:
    """No route takes this: a router's miss, worded as each family's own router does."""
    if dialect in (Dialect.KUBESPHERE, Dialect.OAUTH):
        return plain(MISSES.get(status, MISSES[NOT_FOUND]), status, newline=False)
    if dialect is Dialect.KUBERNETES and not path.startswith("/api"):
        return plain("404 page not found", NOT_FOUND)
    if status == NOT_FOUND:
        text = "the server could not find the requested resource"
        ours = f"nothing is served at {path}"
        return answer(errors.Missing("no-route", ours if dialect is Dialect.ORRERY else text), dialect, {})
    text = "the server does not allow this method on the requested resource"
    return answer(errors.Unsupported(METHOD_REFUSED, text), dialect, {})


def plain(text: str, status: int, headers: Mapping[str, str] | None = None, *, newline: bool = True) -> web.Response:
    """Bare text, escaped as Go's html.EscapeString does for `&<>`, never sniffed."""
    return web.Response(
        text=html.escape(text, quote=False) + "\n" * newline,
        status=status,
        headers={**(headers or {}), "X-Content-Type-Options": "nosniff"},
        content_type="text/plain",
        charset="utf-8",
    )


def json_response(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None, content_type: str = JSON
) -> web.Response:
    """JSON as a response."""
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        headers={**(headers or {}), "X-Content-Type-Options": "nosniff"},
        content_type=content_type,
    )
