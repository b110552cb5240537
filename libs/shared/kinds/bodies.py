"""Bodies of writes: media types, size, JSON, and the options of a deletion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from libs.shared.errors import Flaw, Invalid, Malformed, Unsupported
from libs.shared.http.reading import raw_body
from libs.shared.http.route import MIB
from libs.shared.objects.documents import read_json

LARGEST = 3 * MIB
"""Bytes of a body: Kubernetes' bound."""
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
_POLICIES = ("Orphan", "Background", "Foreground")
_OPTIONS = ("propagationPolicy", "gracePeriodSeconds", "orphanDependents", "fieldManager")


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object that a create or an update carries."""
    _media(request, ("application/json",))
    body = read_json(await raw_body(request))
    if not isinstance(body, dict):
        raise Malformed("object-unreadable", "the body is to be a JSON object")
    return body


async def read_patch(request: web.Request) -> tuple[str, Any]:
    """The media type and the JSON of a patch; apply and strategic patches are refused with 415."""
    media = _media(request, (JSON_PATCH, MERGE_PATCH))
    return media, read_json(await raw_body(request))


@dataclass(frozen=True, slots=True)
class Deletion:
    """What DeleteOptions and the query ask of a deletion. Empty preconditions are none."""

    uid: str = ""
    revision: str = ""
    rehearsals: tuple[Any, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


async def read_deletion(request: web.Request) -> Deletion:
    """A deletion's options: the body's, and the query's where the body has none."""
    raw = await raw_body(request)
    body = read_json(raw) if raw.strip() else {}
    if not isinstance(body, dict):
        raise Malformed("options-unreadable", "the body of a deletion is DeleteOptions, a JSON object")
    if body.get("kind", "DeleteOptions") != "DeleteOptions":
        raise Malformed("options-unreadable", "the body of a deletion is of kind DeleteOptions")
    wanted = body.get("preconditions") or {}
    rehearsals = body.get("dryRun") or []
    if not isinstance(wanted, dict) or not isinstance(rehearsals, list):
        raise Malformed("options-unreadable", "preconditions is an object, dryRun a list of texts")
    asked = options(request) | {name: _text(body[name]) for name in _OPTIONS if body.get(name) is not None}
    policy = asked.get("propagationPolicy", "")
    if policy and policy not in _POLICIES:
        text = f'Unsupported value: "{policy}": supported values: {", ".join(_POLICIES)}'
        raise Invalid("option-refused", f"propagationPolicy: {text}", flaws=(Flaw("propagationPolicy", text),))
    return Deletion(
        uid=_text(wanted.get("uid") or ""),
        revision=_text(wanted.get("resourceVersion") or ""),
        rehearsals=tuple(rehearsals),
        options=asked,
    )


def options(request: web.Request) -> dict[str, str]:
    """The query's options for a write."""
    return {name: request.query[name] for name in _OPTIONS if name in request.query}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _media(request: web.Request, taken: tuple[str, ...]) -> str:
    given = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    media = given or taken[0]
    if media not in taken:
        raise Unsupported(
            "media-type-unsupported",
            "the body of the request was in an unknown format - accepted media types include: " + ", ".join(taken),
        )
    return media
