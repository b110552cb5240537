"""An API server's refusals in our own tree: by status and reason, with its own sentence."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import orjson

from libs.shared import errors
from libs.shared.errors import Fault, Flaw

KINDS: Final[dict[int, tuple[type[Fault], str]]] = {
    400: (errors.Malformed, "cluster-bad-request"),
    403: (errors.Denied, "cluster-forbidden"),
    404: (errors.Missing, "cluster-not-found"),
    405: (errors.Unsupported, "method-not-allowed"),
    406: (errors.Unsupported, "not-acceptable"),
    410: (errors.Gone, "cluster-expired"),
    413: (errors.TooLarge, "cluster-too-large"),
    415: (errors.Unsupported, "media-type"),
    422: (errors.Invalid, "cluster-invalid"),
    429: (errors.Limited, "cluster-limited"),
}
LONGEST: Final = 2000
MOST_FLAWS: Final = 50


def fault_of(status: int, body: bytes, retry_after: str = "") -> Fault:
    """The fault that an answer with this status and body (a `Status`, or text) stands for.

    401 is no fault of whoever asked us: our own credentials are refused, which is `Busy` until they are renewed.
    """
    told = _status(body)
    said = _sentence(told, status)
    seconds = float(retry_after) if retry_after.isdigit() else 1.0
    if status == HTTPStatus.CONFLICT:
        return _conflict(told, said)
    if status == HTTPStatus.UNAUTHORIZED:
        return errors.Busy("cluster-credentials", "the cluster refuses our credentials", retry_after=seconds)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status not in KINDS:
        return errors.Busy("cluster-failing", f"the cluster answered {status}: {said}", retry_after=seconds)
    kind, slug = KINDS[status]
    return kind(slug, said, retry_after=seconds if kind is errors.Limited else 0, **_about(told))


def _conflict(told: dict[str, Any], said: str) -> Fault:
    """AlreadyExists; fields that others own (server-side apply); or a version that has gone by."""
    if told.get("reason") == "AlreadyExists":
        return errors.Exists("cluster-exists", said, **_about(told))
    about = _about(told)
    causes = (told.get("details") or {}).get("causes") or ()
    if any(cause.get("reason") == "FieldManagerConflict" for cause in causes if isinstance(cause, dict)):
        return errors.Conflict("cluster-fields-owned", said, **about)
    return errors.Stale("cluster-stale", said, **about)


def _status(body: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(body)
    except ValueError:
        return {"message": body[:LONGEST].decode(errors="replace").strip()}
    return told if isinstance(told, dict) else {}


def _sentence(told: dict[str, Any], status: int) -> str:
    said = told.get("message")
    return said[:LONGEST] if isinstance(said, str) and said else f"the cluster answered {status}"


def _about(told: dict[str, Any]) -> dict[str, Any]:
    details = told.get("details")
    if not isinstance(details, dict):
        return {}
    causes = [cause for cause in details.get("causes") or () if isinstance(cause, dict)][:MOST_FLAWS]
    flaws = tuple(Flaw(str(cause.get("field", "")), str(cause.get("message", ""))[:LONGEST]) for cause in causes)
    return {"resource": str(details.get("kind", "")), "name": str(details.get("name", "")), "flaws": flaws}
