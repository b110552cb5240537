"""Get and list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from libs.shared.errors import Gone
from libs.shared.kinds import pages, wire
from libs.shared.kinds.kind import D, JsonObject, Kind
from libs.shared.kinds.pages import Span, Token
from libs.shared.kinds.place import Parts, Place, found, place
from libs.shared.kinds.query import LARGEST_PAGE, Reading


async def get(kind: Kind[D], request: web.Request, parts: Parts) -> web.StreamResponse:
    """One object."""
    wire.accepts_json(request)
    return wire.answer(wire.shown(kind, await found(kind, parts, place(request))))


async def list_objects(kind: Kind[D], request: web.Request, parts: Parts, asked: Reading) -> web.StreamResponse:
    """The objects that the selectors leave, in the order of namespace and name, all or in parts.

    Parts of one list show one revision: the first part's. Raises `Gone` when that isn't kept any more.
    """
    wire.accepts_json(request)
    token = pages.read_token(asked.token) if asked.token else Token(0, "")
    wanted = token.revision or (asked.revision if asked.exact else None)
    limit = min(asked.limit, LARGEST_PAGE)
    span = _span(kind, place(request), asked, after=token.after, limit=limit)
    try:
        revision, documents = await pages.snapshot_at(parts.store, kind, wanted, span)
    except Gone:
        raise pages.expired_list(token) if asked.token else too_old(asked.revision or 0) from None
    if asked.revision and asked.revision > revision:
        raise Gone("revision-unknown", f"Too large resource version: {asked.revision}, current: {revision}")
    items = chosen(kind, documents, place(request), asked)
    if not limit or len(items) <= limit:
        return wire.answer(wire.listed(kind, [thing for _, thing in items], revision))
    left = await _left(parts, kind, span) if span.limit else len(items)
    page = items[:limit]
    more = str(Token(revision, page[-1][0]))
    return wire.answer(
        wire.listed(kind, [thing for _, thing in page], revision, more=more, remaining=max(left - limit, 1)),
    )


def _span(kind: Kind[D], at: Place, asked: Reading, *, after: str, limit: int) -> Span:
    """What must be read: one page and one more where the store can cut it, all where selectors have to look."""
    narrowed = standing(kind, at, asked)
    whole = asked.labels or asked.fields
    return replace(narrowed, after=after, limit=limit + 1 if limit and not whole else 0)


async def _left(parts: Parts, kind: Kind[D], span: Span) -> int:
    """How many there are from here on: an estimate, as Kubernetes' remainingItemCount is."""
    return await parts.store.of(kind.document).count(replace(span, limit=0).find(kind))


def standing(kind: Kind[D], at: Place, asked: Reading) -> Span:
    """The keys that a path and a field selector can mean at all."""
    namespace = at.namespace or (asked.fields.exact("metadata.namespace") or "" if kind.namespaced else "")
    name = at.name or asked.fields.exact("metadata.name") or ""
    if name and (namespace or not kind.namespaced):
        return Span(exact=Place(namespace, name).key)
    return Span(prefix=f"{namespace}/" if namespace else "")


def too_old(revision: int) -> Gone:
    """A revision that isn't kept any more."""
    return Gone("revision-expired", f"too old resource version: {revision}")


def chosen(kind: Kind[D], documents: Sequence[D], at: Place, asked: Reading) -> list[tuple[str, JsonObject]]:
    """Key and object of each document that the place and the selectors leave."""
    shown = ((document.key, wire.shown(kind, document)) for document in documents)
    return [(key, thing) for key, thing in shown if selects(thing, at, asked)]


def selects(thing: JsonObject, at: Place, asked: Reading) -> bool:
    """Whether place and selectors leave this object."""
    metadata = thing["metadata"]
    if (at.namespace and metadata.get("namespace") != at.namespace) or (at.name and metadata.get("name") != at.name):
        return False
    return asked.labels.matches(metadata.get("labels") or {}) and asked.fields.meets(thing)
