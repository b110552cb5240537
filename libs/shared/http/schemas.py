"""Schemas of errors and of credentials, which every service's OpenAPI document has, and answers that recur."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

from libs.shared.http.faults import JSON, PROBLEM
from libs.shared.http.identity import HEADER
from libs.shared.http.route import Dialect
from libs.shared.objects.shapes import Shape

T = TypeVar("T")


class Listed(Shape, Generic[T]):
    """A page of KubeSphere's v1alpha3 lists, and the number of all that match."""

    items: list[T]
    total_items: int


class Done(Shape):
    """KubeSphere's answer where there is nothing to show."""

    message: str


_TEXT: Final = {"type": "string"}

STATUS_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "Kubernetes' meta/v1 Status.",
    "required": ["kind", "apiVersion", "status", "message", "reason", "code"],
    "properties": {
        "kind": {"const": "Status"},
        "apiVersion": {"const": "v1"},
        "metadata": {"type": "object"},
        "status": {"enum": ["Failure", "Success"]},
        "message": _TEXT,
        "reason": _TEXT,
        "code": {"type": "integer"},
        "details": {
            "type": "object",
            "properties": {
                "name": _TEXT,
                "group": _TEXT,
                "kind": _TEXT,
                "retryAfterSeconds": {"type": "integer"},
                "causes": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"reason": _TEXT, "message": _TEXT, "field": _TEXT}},
                },
            },
        },
    },
}
PROBLEM_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "Problem details (RFC 9457). `slug` is stable, and the tail of `type`.",
    "required": ["type", "title", "status", "detail", "slug"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "slug": _TEXT,
        "resource": _TEXT,
        "name": _TEXT,
        "flaws": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": _TEXT, "detail": _TEXT},
            },
        },
    },
}
_OAUTH_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "RFC 6749, 5.2.",
    "required": ["error"],
    "properties": {"error": _TEXT, "error_description": _TEXT},
}
_MESSAGE_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["message"],
    "properties": {"message": _TEXT},
}
_STATUS: Final = {JSON: {"schema": {"$ref": "#/components/schemas/Status"}}}
_PROBLEM: Final = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_PLAIN: Final = {"text/plain": {"schema": _TEXT}}

RESPONSES: Final[Mapping[str, Any]] = {
    Dialect.KUBERNETES.value: {"description": "A Status object.", "content": _STATUS},
    Dialect.KUBESPHERE.value: {
        "description": "The error's text; filters answer a Status.",
        "content": _PLAIN | _STATUS,
    },
    Dialect.MESSAGE.value: {
        "description": "The error's text; filters answer a Status.",
        "content": {JSON: {"schema": {"anyOf": [_MESSAGE_SCHEMA, {"$ref": "#/components/schemas/Status"}]}}},
    },
    Dialect.OAUTH.value: {
        "description": "An OAuth error; filters answer a Status, another media type than a form plain text.",
        "content": {JSON: {"schema": {"anyOf": [_OAUTH_SCHEMA, {"$ref": "#/components/schemas/Status"}]}}} | _PLAIN,
    },
    Dialect.ORRERY.value: {
        "description": "Problem details; filters answer a Status.",
        "content": _PROBLEM | _STATUS,
    },
}
SECURITY: Final[Mapping[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "basic": {"type": "http", "scheme": "basic"},
    "identity": {"type": "apiKey", "in": "header", "name": HEADER, "description": "Signed by the gateway, 30 s."},
}
