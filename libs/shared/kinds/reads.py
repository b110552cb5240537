"""Get and list."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from libs.shared.errors import Gone
from libs.shared.kinds import pages, wire
from libs.shared.kinds.kind import D, JsonObject, Kind
from libs.shared.kinds.pages import Token
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
    try:
        revision, documents = await pages.snapshot_at(parts.store, kind, wanted)
    except Gone:
        raise pages.expired_list(token) if asked.token else too_old(asked.revision or 0) from None
    if asked.revision and asked.revision > revision:
        raise Gone("revision-unknown", f"Too large resource version: {asked.revision}, current: {revision}")
    ordered = sorted((document for document in documents if document.key > token.after), key=lambda item: item.key)
    items = chosen(kind, ordered, place(request), asked)
    return wire.answer(_part(kind, items, revision, min(asked.limit, LARGEST_PAGE)))


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


def _part(kind: Kind[D], items: Sequence[tuple[str, JsonObject]], revision: int, limit: int) -> JsonObject:
    if not limit or len(items) <= limit:
        return wire.listed(kind, [thing for _, thing in items], revision)
    page = items[:limit]
    more = str(Token(revision, page[-1][0]))
    return wire.listed(kind, [thing for _, thing in page], revision, more=more, remaining=len(items) - limit)
