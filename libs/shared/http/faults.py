"""Faults on the wire. This file alone knows statuses; it answers in the dialect of the route's family.

Wordings: Kubernetes' meta/v1 `Status`, KubeSphere's plain text (iam-gateway 1.3), OAuth (RFC 6749, 5.2), RFC 9457.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web

from libs.shared import errors
from libs.shared.errors import Fault, Flaw
from libs.shared.http.route import Dialect

STATUSES: Final[tuple[tuple[type[Fault], HTTPStatus, str], ...]] = (
    (errors.Gone, HTTPStatus.GONE, "Expired"),
    (errors.Missing, HTTPStatus.NOT_FOUND, "NotFound"),
    (errors.Exists, HTTPStatus.CONFLICT, "AlreadyExists"),
    (errors.Conflict, HTTPStatus.CONFLICT, "Conflict"),
    (errors.Malformed, HTTPStatus.BAD_REQUEST, "BadRequest"),
    (errors.TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge"),
    (errors.Unsupported, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType"),
    (errors.Invalid, HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid"),
    (errors.Denied, HTTPStatus.FORBIDDEN, "Forbidden"),
    (errors.Unauthenticated, HTTPStatus.UNAUTHORIZED, "Unauthorized"),
    (errors.Limited, HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequests"),
    (errors.Busy, HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    (errors.Broken, HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError"),
)
"""Kind of fault -> status and Kubernetes' reason; the first that fits."""
METHOD_REFUSED: Final = "method-not-allowed"
ACCEPT: Final = "not-acceptable"
UNSUPPORTED: Final[Mapping[str, tuple[HTTPStatus, str]]] = {
    METHOD_REFUSED: (HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    "watch-unsupported": (HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    ACCEPT: (HTTPStatus.NOT_ACCEPTABLE, "NotAcceptable"),
}
"""Slugs of an `Unsupported` that is about something else than the body's media type."""
MISSES: Final[Mapping[int, str]] = {
    404: "404: Page Not Found",
    405: "405: Method Not Allowed",
    406: "406: Not Acceptable",
    415: "415: Unsupported Media Type",
}
"""What KubeSphere's router says."""
INTERNAL: Final = "Internal server error"
"""What clients are told of a `Broken`: its own text names files and hosts, and is for the log and `/readyz`."""
MODIFIED: Final = "the object has been modified; please apply your changes to the latest version and try again"
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
PROBLEM_TYPE: Final = "urn:orrery:problem:"
NOSNIFF: Final = {"X-Content-Type-Options": "nosniff"}
_KUBERNETES: Final = ("/api", "/apis")
_WAITS: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_OAUTH_CODES: Final[Mapping[int, str]] = {
    400: "invalid_request",
    401: "invalid_client",
    403: "access_denied",
    404: "invalid_request",
    413: "invalid_request",
    429: "invalid_grant",
    503: "temporarily_unavailable",
}
_CAUSES: Final = (
    ("Required value", "FieldValueRequired"),
    ("Unsupported value", "FieldValueNotSupported"),
    ("Forbidden", "FieldValueForbidden"),
    ("Duplicate value", "FieldValueDuplicate"),
    ("Not found", "FieldValueNotFound"),
)
"""How a flaw's text begins -> Kubernetes' cause; anything else is FieldValueInvalid."""


def status_of(fault: Fault, dialect: Dialect = Dialect.KUBERNETES) -> tuple[HTTPStatus, str]:
    """HTTP status and Kubernetes' reason. OAuth knows no 422: a wrong wish is 400 there."""
    if isinstance(fault, errors.Unsupported):
        return UNSUPPORTED.get(fault.slug, (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType"))
    if dialect is Dialect.OAUTH and isinstance(fault, errors.Invalid) and not isinstance(fault, errors.TooLarge):
        return HTTPStatus.BAD_REQUEST, "BadRequest"
    for kind, status, reason in STATUSES:
        if isinstance(fault, kind):
            return status, reason
    return HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError"


def dialect_of(path: str) -> Dialect:
    """The dialect of a path's family, where the route names none."""
    if path == "/oauth" or path.startswith("/oauth/"):
        return Dialect.OAUTH
    if path.startswith("/kapis/"):
        group = path.split("/", 3)[2]
        return Dialect.ORRERY if group == "orrery.io" or group.endswith(".orrery.io") else Dialect.KUBESPHERE
    return Dialect.ORRERY if path.startswith("/internal/") else Dialect.KUBERNETES


def answer(fault: Fault, dialect: Dialect, groups: Mapping[str, str]) -> web.Response:
    """The fault as a response; `groups` gives the API group of a resource that it names."""
    status, reason = status_of(fault, dialect)
    headers = {"Retry-After": str(_wait(fault))} if status in _WAITS else {}
    match dialect:
        case Dialect.KUBESPHERE:
            return plain(worded(fault, groups), status, headers)
        case Dialect.MESSAGE:
            return json_response({"message": worded(fault, groups)}, status, headers)
        case Dialect.KUBERNETES:
            return json_response(kubernetes_status(fault, groups, status, reason), status, headers)
        case Dialect.OAUTH if status in MISSES and isinstance(fault, errors.Unsupported):
            return plain(MISSES[status], status, newline=False)
        case Dialect.OAUTH:
            return json_response(_oauth(fault, status), status, headers)
        case Dialect.ORRERY:
            return json_response(_problem(fault, status), status, headers, PROBLEM)


def miss(status: int, dialect: Dialect, path: str) -> web.Response:
    """What a path that no route takes is answered with, as each family's own router does it."""
    if dialect in (Dialect.KUBESPHERE, Dialect.OAUTH):
        return plain(MISSES[status], status, newline=False)
    if dialect is Dialect.KUBERNETES and path not in _KUBERNETES and not path.startswith(("/api/", "/apis/")):
        return plain("404 page not found", HTTPStatus.NOT_FOUND)
    return answer(_missed(status, path, dialect), dialect, {})


def _missed(status: int, path: str, dialect: Dialect) -> Fault:
    if status == HTTPStatus.NOT_FOUND:
        if dialect is Dialect.KUBERNETES:
            return errors.Missing("no-route", "the server could not find the requested resource")
        return errors.Missing("no-route", f"nothing is served at {path[:200]}")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return errors.Unsupported(METHOD_REFUSED, "the server does not allow this method on the requested resource")
    if status == HTTPStatus.NOT_ACCEPTABLE:
        return errors.Unsupported(ACCEPT, f"only the following media types are accepted: {JSON}")
    return errors.Unsupported("media-type-unsupported", f"the body is of a media type that is not taken: send {JSON}")


def kubernetes_status(fault: Fault, groups: Mapping[str, str], status: int, reason: str) -> dict[str, Any]:
    """A `Status` object (meta/v1)."""
    details: dict[str, Any] = {
        "name": fault.name,
        "group": groups.get(fault.resource, ""),
        "kind": fault.resource,
        "causes": [_cause(flaw) for flaw in fault.flaws],
        "retryAfterSeconds": _wait(fault) if status in _WAITS else 0,
    }
    kept = {key: value for key, value in details.items() if value}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": worded(fault, groups),
        "reason": fault.reason or reason,
        **({"details": kept} if kept else {}),
        "code": int(status),
    }


def told(fault: Fault) -> str:
    """The sentence that is for clients."""
    return fault.public or (INTERNAL if isinstance(fault, errors.Broken) else fault.text)


def worded(fault: Fault, groups: Mapping[str, str]) -> str:
    """The sentence in Kubernetes' words. A text that names the object in quotes is worded so already."""
    if told(fault) != fault.text:
        return told(fault)
    if not fault.resource or not fault.name or f'"{fault.name}"' in fault.text:
        return fault.text
    about = f'{qualified(fault.resource, groups)} "{fault.name}"'
    match fault:
        case errors.Missing() if not isinstance(fault, errors.Gone):
            said = f"{about} not found"
        case errors.Exists():
            said = f"{about} already exists"
        case errors.Stale():
            said = f"Operation cannot be fulfilled on {about}: {MODIFIED}"
        case errors.Denied():
            said = f"{about} is forbidden: {fault.text}"
        case _:
            said = fault.text
    return said


def qualified(resource: str, groups: Mapping[str, str]) -> str:
    """`users.iam.kubesphere.io`, or the bare resource of the core group."""
    group = groups.get(resource, "")
    return f"{resource}.{group}" if group else resource


def plain(text: str, status: int, headers: Mapping[str, str] | None = None, *, newline: bool = True) -> web.Response:
    """Bare text, `&<>` escaped as the original does, never to be sniffed."""
    return web.Response(
        text=html.escape(text, quote=False) + "\n" * newline,
        status=status,
        headers={**(headers or {}), **NOSNIFF},
        content_type="text/plain",
        charset="utf-8",
    )


def json_response(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None, content_type: str = JSON
) -> web.Response:
    """JSON as a response; `body` is what orjson takes."""
    sent = {**(headers or {}), **NOSNIFF}
    return web.Response(body=orjson.dumps(body), status=status, headers=sent, content_type=content_type)


def _wait(fault: Fault) -> int:
    """Seconds, 1 at least: a client that retries at once makes it worse."""
    return max(1, math.ceil(fault.retry_after))


def _cause(flaw: Flaw) -> dict[str, str]:
    reason = next((cause for begin, cause in _CAUSES if flaw.text.startswith(begin)), "FieldValueInvalid")
    return {"reason": reason, "message": flaw.text, "field": flaw.field}


TITLES: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.REQUEST_URI_TOO_LONG: "URI Too Long",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}
"""RFC 9110's names of statuses that older Pythons call otherwise: an answer doesn't depend on who runs us."""


def _oauth(fault: Fault, status: HTTPStatus) -> dict[str, str]:
    """A slug with an underscore is the error code itself: OAuth's have them, ours have none. No text, no description
    (`{"error": "unsupported_grant_type"}`, recorded).
    """
    code = fault.slug if "_" in fault.slug else _OAUTH_CODES.get(status, "server_error")
    return {"error": code} | ({"error_description": told(fault)} if told(fault) else {})


def _problem(fault: Fault, status: HTTPStatus) -> dict[str, Any]:
    about = {key: value for key, value in (("resource", fault.resource), ("name", fault.name)) if value}
    problem: dict[str, Any] = {
        "type": PROBLEM_TYPE + fault.slug,
        "title": TITLES.get(status, status.phrase),
        "status": status.value,
        "detail": told(fault),
        "slug": fault.slug,
        **about,
    }
    if fault.flaws:
        problem["flaws"] = [{"field": flaw.field, "detail": flaw.text} for flaw in fault.flaws]
    return problem
