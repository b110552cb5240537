"""Answers: objects as JSON, faults and successes as Kubernetes' `Status`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web

from libs.sandbox.apply import conflicts
from libs.shared.errors import Fault
from libs.shared.http import faults

JSON: Final = "application/json"
_CAUSES: Final = {"namespace-terminating": "NamespaceTerminating", conflicts.SLUG: "FieldManagerConflict"}
"""Slug of a fault -> the reason of its causes, where they have one of their own."""


def answer(body: Any, status: int = HTTPStatus.OK) -> web.Response:
    """A JSON value, or JSON that is made already, as a response."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return web.Response(body=raw, status=status, content_type=JSON)


def refused(fault: Fault) -> web.Response:
    """The fault as a response."""
    body = status(fault)
    response = answer(body, body["code"])
    if fault.retry_after:
        response.headers["Retry-After"] = str(max(1, round(fault.retry_after)))
    return response


def status(fault: Fault) -> dict[str, Any]:
    """The fault as a `Status`."""
    code, reason = faults.status_of(fault)
    body = faults.kubernetes_status(fault, {}, code, reason)
    details = body.get("details")
    if details and "kind" in details:
        details["kind"], _, group = details["kind"].partition(".")
        if group:
            details["group"] = group
    if reason_of_causes := _CAUSES.get(fault.slug):
        for cause in body["details"]["causes"]:
            cause["reason"] = reason_of_causes
    return body


def success(kind: str, group: str, name: str, uid: str) -> dict[str, Any]:
    """What a deletion is answered with that is done."""
    details = {"name": name, "group": group, "kind": kind, "uid": uid}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }
