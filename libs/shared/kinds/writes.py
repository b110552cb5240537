"""Create, update, patch and delete: each ends in the kind's own command, in one unit."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from aiohttp import web

from libs.shared.errors import Exists
from libs.shared.http.identity import caller
from libs.shared.kinds import bodies, drafts, query, revisions, schema, wire
from libs.shared.kinds.bodies import Deletion
from libs.shared.kinds.kind import Ask, D, JsonObject, Kind
from libs.shared.kinds.place import Parts, Place, missing, place
from libs.shared.kinds.revisions import Revise
from libs.shared.objects import meta, pointers
from libs.shared.store.protocol import Unit

R = TypeVar("R")
_NAMES_TRIED = 8


class _Rehearsed(Exception):
    """Ends a dry run's unit, which then keeps nothing."""


@dataclass(frozen=True, slots=True)
class _Write(Generic[D]):
    """One write on its way: of which kind, where, told by whom, and whether it is kept."""

    kind: Kind[D]
    at: Place
    ask: Ask
    validation: str
    dry: bool


async def create(kind: Kind[D], request: web.Request, parts: Parts) -> web.StreamResponse:
    """Make an object (201). `generateName` picks a free name; `dryRun=All` makes nothing."""
    wire.accepts_json(request)
    body = await bodies.read_object(request)
    write = _write(kind, request, parts)
    generated = not (isinstance(body.get("metadata"), dict) and body["metadata"].get("name"))
    for tried in range(1, _NAMES_TRIED + 1):
        wish = drafts.creation(kind, write.at, body, secrets.token_bytes(meta.NOISE))
        try:
            document, warnings = await _create(write, wish, parts)
        except Exists:
            if not generated or tried == _NAMES_TRIED:
                raise
        else:
            return wire.answer(wire.shown(kind, document), status=201, warnings=warnings)
    raise AssertionError  # the last try returned or raised


async def _create(write: _Write[D], wish: JsonObject, parts: Parts) -> tuple[D, Sequence[str]]:
    kind, name = write.kind, wish["metadata"]["name"]
    warnings = schema.check(kind, wish, write.validation)
    at = Place(write.at.namespace, name)
    if await parts.store.of(kind.document).look(at.key) is not None:
        raise _exists(kind, name)
    ask = replace(write.ask, written=drafts.written(kind, wish))
    if kind.prepare is not None:
        ask = replace(ask, prepared=await kind.prepare(wish, parts))

    async def work(unit: Unit) -> D:
        if kind.create is None:
            raise AssertionError  # no route leads here
        return await kind.create(unit, wish, ask)

    return await _transact(parts, work, dry=write.dry), warnings


async def update(kind: Kind[D], request: web.Request, parts: Parts) -> web.StreamResponse:
    """Replace an object by a whole one; its `resourceVersion` must be the present one (409)."""
    wire.accepts_json(request)
    body = await bodies.read_object(request)
    return await _revise(_write(kind, request, parts), revisions.put(body), parts, patched=False)


async def patch(kind: Kind[D], request: web.Request, parts: Parts) -> web.StreamResponse:
    """Change an object by a JSON patch (RFC 6902) or a merge patch (RFC 7386) of what a client can read of it. A
    write-only field can be set. Tried again when another write comes between, unless it names a resourceVersion.
    """
    wire.accepts_json(request)
    media, raw = await bodies.read_patch(request)
    return await _revise(_write(kind, request, parts), revisions.patch(kind, media, raw), parts, patched=True)


@dataclass(frozen=True, slots=True)
class _Draft:
    """What an update comes to: the object to be, what it sets of the unseen, and whether anything changes at all."""

    wish: JsonObject
    written: frozenset[str]
    warnings: tuple[str, ...]
    changes: bool


def _draft(write: _Write[D], document: D, revise: Revise, *, patched: bool) -> _Draft:
    current = wire.shown(write.kind, document)
    wish = drafts.revision(write.kind, write.at, current, revise(current), patched=patched)
    written = drafts.written(write.kind, wish)
    warnings = schema.check(write.kind, wish, write.validation)
    return _Draft(wish, written, warnings, bool(written) or not pointers.same(wish, current))


async def _revise(write: _Write[D], revise: Revise, parts: Parts, *, patched: bool) -> web.StreamResponse:
    kind, ask = write.kind, write.ask
    if kind.prepare is not None:
        standing = await parts.store.of(kind.document).look(write.at.key)
        if standing is None:
            raise missing(kind, write.at.name)
        draft = _draft(write, standing, revise, patched=patched)
        ask = replace(ask, written=draft.written)
        ask = replace(ask, prepared=await kind.prepare(draft.wish, parts) if draft.changes else None)

    async def work(unit: Unit) -> tuple[D, tuple[str, ...]]:
        document = await _standing(unit, write)
        if kind.vet is not None:
            kind.vet(document, ask)
        draft = _draft(write, document, revise, patched=patched)
        if draft.changes and kind.update is not None:
            document = await kind.update(unit, document, draft.wish, replace(ask, written=draft.written))
        return document, draft.warnings

    document, warnings = await _transact(parts, work, dry=write.dry)
    return wire.answer(wire.shown(kind, document), warnings=warnings)


async def delete(kind: Kind[D], request: web.Request, parts: Parts) -> web.StreamResponse:
    """Remove an object, if the preconditions hold. Answers a Status, or the object where it lives on for a while."""
    wire.accepts_json(request)
    asked = await bodies.read_deletion(request)
    write = _write(kind, request, parts, asked)

    async def work(unit: Unit) -> tuple[D, D | None]:
        document = await _standing(unit, write)
        _check_preconditions(kind, wire.shown(kind, document), asked)
        if kind.remove is not None:
            await kind.remove(unit, document, write.ask)
        return document, await unit.of(kind.document).look(write.at.key)

    document, left = await _transact(parts, work, dry=write.dry)
    if left is not None:
        return wire.answer(wire.shown(kind, left))
    uid = wire.shown(kind, document)["metadata"].get("uid", "")
    return wire.answer(wire.removed(kind, write.at.name, uid))


async def _transact(parts: Parts, work: Callable[[Unit], Awaitable[R]], *, dry: bool) -> R:
    """Run the work in a unit; a dry run goes all the way but for the commit."""
    if not dry:
        return await parts.store.transact(work)
    results: list[R] = []

    async def rehearse(unit: Unit) -> None:
        results.append(await work(unit))
        raise _Rehearsed

    with suppress(_Rehearsed):
        await parts.store.transact(rehearse)
    return results[-1]


def _write(kind: Kind[D], request: web.Request, parts: Parts, deletion: Deletion | None = None) -> _Write[D]:
    who = caller(request)
    options = deletion.options if deletion else bodies.options(request)
    return _Write(
        kind,
        place(request),
        Ask(user=who.user, at=parts.clock(), answers=who.answers, session=who.session, options=options),
        query.validation(request),
        query.rehearsal(request, deletion.rehearsals if deletion else ()),
    )


async def _standing(unit: Unit, write: _Write[D]) -> D:
    document = await unit.of(write.kind.document).look(write.at.key)
    if document is None:
        raise missing(write.kind, write.at.name)
    return document


def _exists(kind: Kind[Any], name: str) -> Exists:
    text = f'{kind.plural}.{kind.group} "{name}" already exists'
    return Exists("object-exists", text, resource=kind.plural, name=name)


def _check_preconditions(kind: Kind[Any], standing: JsonObject, asked: Deletion) -> None:
    metadata = standing["metadata"]
    name = str(metadata.get("name", ""))
    if asked.uid and asked.uid != metadata.get("uid"):
        raise drafts.precondition(kind, name, "UID", asked.uid, str(metadata.get("uid", "")))
    if asked.revision and asked.revision != metadata.get("resourceVersion"):
        raise drafts.precondition(
            kind, name, "ResourceVersion", asked.revision, str(metadata.get("resourceVersion", ""))
        )
