"""Query parameters of reads and writes, checked as an API server checks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from libs.shared.errors import Flaw, Invalid, Malformed
from libs.shared.kinds.kind import Kind
from libs.shared.objects import fields, selectors

LARGEST_PAGE = 10_000
"""Items of one answer at most; a larger `limit` is served in parts of this size."""
_EXACT, _NOT_OLDER = "Exact", "NotOlderThan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a list or a watch asks for. `revision` is None where none is named; `timeout` in seconds, 0 for none."""

    labels: selectors.Selector
    fields: fields.FieldSelector
    limit: int = 0
    token: str = ""
    revision: int | None = None
    exact: bool = False
    timeout: int = 0
    bookmarks: bool = False
    initial: bool | None = None
    """sendInitialEvents, where given."""


def reading(request: web.Request, kind: Kind[Any]) -> Reading:
    """The request's parameters; raises `Malformed` (400) or `Invalid` (422) as an API server would."""
    query = request.query
    selectable = {"metadata.name", *kind.fields, *(("metadata.namespace",) if kind.namespaced else ())}
    revision = _whole(query.get("resourceVersion", ""), "resourceVersion")
    match = query.get("resourceVersionMatch", "")
    asked = Reading(
        labels=selectors.parse(query.get("labelSelector", "")),
        fields=fields.parse(query.get("fieldSelector", "")).only(selectable),
        limit=_whole(query.get("limit", ""), "limit") or 0,
        token=query.get("continue", ""),
        revision=revision,
        exact=match == _EXACT or (not match and bool(revision) and "limit" in query),
        timeout=_whole(query.get("timeoutSeconds", ""), "timeoutSeconds") or 0,
        bookmarks=flag(request, "allowWatchBookmarks"),
        initial=flag(request, "sendInitialEvents") if "sendInitialEvents" in query else None,
    )
    _check_match(asked, match, watch="watch" in request.path.split("/") or flag(request, "watch"))
    return asked


def flag(request: web.Request, name: str) -> bool:
    """A flag as Kubernetes reads it: there and not `false` or `0`."""
    return request.query.get(name, "false").lower() not in ("false", "0")


def rehearsal(request: web.Request, body: Any = None) -> bool:
    """Whether the write is to be tried without keeping it (`dryRun=All`, in the query or in DeleteOptions)."""
    asked = [*request.query.getall("dryRun", []), *(body or [])]
    for value in asked:
        if value != "All":
            raise _wrong("dryRun", f'Unsupported value: "{value}": supported values: "All"')
    return bool(asked)


def validation(request: web.Request) -> str:
    """`fieldValidation`: Strict, Warn (unless given) or Ignore."""
    asked = request.query.get("fieldValidation", "") or "Warn"
    if asked not in ("Strict", "Warn", "Ignore"):
        raise _wrong(
            "fieldValidation",
            f'Unsupported value: "{asked}": supported values: "Ignore", "Strict", "Warn"',
        )
    return asked


def _check_match(asked: Reading, match: str, *, watch: bool) -> None:
    """The table of combinations that an API server refuses (meta/internalversion/validation)."""
    rules = (
        (match not in ("", _EXACT, _NOT_OLDER), 'supported values are "Exact" and "NotOlderThan"'),
        (asked.initial is not None and not watch, "sendInitialEvents is forbidden for list"),
        (
            bool(asked.initial) and match != _NOT_OLDER,
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (
            bool(match) and watch and asked.initial is None,
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
        (
            bool(match) and not watch and asked.revision is None,
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (bool(match) and bool(asked.token), "resourceVersionMatch is forbidden when continue is provided"),
        (match == _EXACT and not asked.revision, 'resourceVersionMatch "Exact" is forbidden for resourceVersion "0"'),
    )
    for broken, text in rules:
        if broken:
            raise _wrong("resourceVersionMatch", f"Forbidden: {text}")


def _whole(text: str, name: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):  # noqa: PLR2004 - what fits into 63 bits
        raise Malformed("parameter-unreadable", f'{name}: Invalid value: "{text[:40]}": a whole number, 0 or more')
    return int(text)


def _wrong(field: str, text: str) -> Invalid:
    return Invalid("parameter-refused", f"{field}: {text}", flaws=(Flaw(field, text),))
