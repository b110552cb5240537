"""`/kapis/notification.kubesphere.io`: receivers and their kin, of the platform and (`/users/{user}`) of each tenant.

As the original does it, everything that is wrong with a request is 400 here but what is missing and what is stale.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from libs.shared.errors import Busy, Conflict, Denied, Exists, Fault, Invalid, Malformed, Missing, Stale, TooLarge
from libs.shared.http.faults import json_response
from libs.shared.http.identity import caller
from libs.shared.http.listing import DEFAULT_FILTERS, RESERVED, last, listed
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import Handler, Route
from libs.shared.objects.patches import merge
from libs.shared.objects.reading import Reading
from libs.shared.store.protocol import Unit
from services.notification.commands import object as commands
from services.notification.domain.noun import TYPE, USER
from services.notification.domain.object import OBJECTS, Kept
from services.notification.domain.vetting import SHOWN
from services.notification.parts import Parts
from services.notification.queries import object as queries
from services.notification.shapes import object as shapes

GROUP = "/kapis/notification.kubesphere.io"
NEW, OLD = f"{GROUP}/v2beta2", f"{GROUP}/v2beta1"
OLD_CHANNELS = tuple(channel for channel in SHOWN if channel != "feishu")
OLD_RESOURCES = frozenset({"configs", "receivers", "notificationmanagers", "secrets", "configmaps"})
LIST = (
    ("type", f"only this channel: {', '.join(SHOWN)}"),
    ("name", "only names that this text is part of"),
    ("names", "only these names, separated by commas"),
    ("labelSelector", "only labels that match"),
    ("sortBy", "name or createTime"),
    ("ascending", "true: the smallest or oldest first"),
    ("page", "which page, from 1"),
    ("limit", "how many on a page; all unless given"),
)
KNOWN = RESERVED | DEFAULT_FILTERS.keys()
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """What a path names: which kind, whose (empty: the platform's), which one, narrowed to which channel."""

    kind: type[Kept]
    owner: str
    name: str
    channel: str


def place_of(request: web.Request, verb: str) -> Place:
    """Raises `Malformed` for a resource or channel that nobody knows, and for one that tenants have none of."""
    where, channel = request.match_info, request.query.get("type", "")
    plural, owner, old = where["resources"], where.get("user", ""), request.path.startswith(f"{OLD}/")
    known = plural in OBJECTS and (not old or plural in OLD_RESOURCES)
    if not known or (channel and channel not in (OLD_CHANNELS if old else SHOWN)):
        raise Malformed("resource-unknown", f"unknown resource type {plural[:80]}/{channel[:80]}")
    kind = OBJECTS[plural]
    if owner and not kind.NOUN.tenants:
        raise kind.NOUN.untenanted(verb)
    return Place(kind, owner, where.get("name", ""), channel)


def worded(handler: Callable[[web.Request, Parts], Awaitable[web.Response]]) -> Handler:
    """The handler, with what is wrong with a request as 400."""

    async def answered(request: web.Request, parts: Parts) -> web.Response:
        try:
            return await handler(request, parts)
        except (Busy, Missing, Stale, TooLarge):
            raise
        except (Conflict, Denied, Exists, Invalid) as fault:
            raise _bad(fault) from fault

    answered.__name__ = answered.__qualname__ = handler.__name__
    answered.__doc__ = handler.__doc__
    return answered


def _bad(fault: Fault) -> Malformed:
    return Malformed(fault.slug, fault.text, flaws=fault.flaws)


async def list_objects(request: web.Request, parts: Parts) -> web.Response:
    """Those that there are. With `type` the channel alone is told of each, and what has none of it is left out, after
    paging.
    """
    where = place_of(request, "list")
    found = await queries.list_objects(parts.store, where.kind, where.owner)
    query = {key: value for key, value in last(request.query.items()).items() if key in KNOWN}
    page = listed([shapes.shown(kept) for kept in found], query)
    if not where.channel:
        return json_response(page)
    narrowed = [one for item in page["items"] if (one := shapes.narrowed_to(item, where.channel)) is not None]
    items = [_dated(one, request) for one in narrowed]
    return json_response({"items": items or None, "totalItems": len(items)})


async def get_object(request: web.Request, parts: Parts) -> web.Response:
    """One, or its part of one channel."""
    where = place_of(request, "get")
    shown = shapes.shown(await queries.get_object(parts.store, where.kind, where.owner, where.name))
    if where.channel:
        found = shapes.narrowed_to(shown, where.channel)
        if found is None:
            raise where.kind.NOUN.missing(where.name, what="")
        shown = _dated(found, request)
    return json_response(shown)


def _dated(shown: Json, request: web.Request) -> Json:
    """What is narrowed to a channel is told as the version has it."""
    if not request.path.startswith(f"{OLD}/"):
        return shown
    return {**shown, "spec": shapes.older(shown["spec"])}


async def create_object(request: web.Request, parts: Parts) -> web.Response:
    """Make one; whose it is, its labels are made to say."""
    where = place_of(request, "create")
    wish = shapes.wish(await lenient_object(request), where.kind, where.owner, None, parts.outlets.sealer)
    by, at = caller(request).user, parts.clock()

    async def work(unit: Unit) -> Kept:
        return await commands.create_object(unit, where.kind, wish, uid=unit.id, by=by, at=at)

    return json_response(shapes.shown(await parts.store.transact(work)))


async def replace_object(request: web.Request, parts: Parts) -> web.Response:
    """Replace one; its `resourceVersion` must be the present one."""
    where, body = place_of(request, "update"), await lenient_object(request)
    about = Reading.of(body).inside("metadata").value
    if about.get("name") != where.name:
        raise Malformed("name-mismatch", "incorrcet parameter, resource name is not equal to the name in body")
    return await _changed(request, parts, where, lambda _: body, str(about.get("resourceVersion") or ""))


async def patch_object(request: web.Request, parts: Parts) -> web.Response:
    """Change one by a merge patch. Whose it is can't be changed by the way."""
    where, body = place_of(request, "patch"), await lenient_object(request)
    about = body.get("metadata")
    labels = about.get("labels") if isinstance(about, dict) else None
    forced = where.kind.NOUN.labels_of(where.owner)
    if isinstance(labels, dict) and any(name in labels and labels[name] != forced.get(name) for name in (TYPE, USER)):
        raise Malformed("owner-changed", "the labels type and user say whose an object is, and can't be changed")
    return await _changed(request, parts, where, lambda shown: _merged(shown, body), None)


def _merged(shown: Json, body: Json) -> Json:
    found = merge(shown, body)
    if not isinstance(found, dict):
        raise Malformed("patch", "a merge patch of an object is an object")
    return found


async def _changed(
    request: web.Request, parts: Parts, where: Place, revise: Callable[[Json], Json], version: str | None
) -> web.Response:
    by, sealer = caller(request).user, parts.outlets.sealer
    await queries.get_object(parts.store, where.kind, where.owner, where.name)

    async def work(unit: Unit) -> Kept:
        before: Kept | None = await unit.of(where.kind).look(where.name)
        if before is None:
            raise where.kind.NOUN.missing(where.name)
        if before.owner != where.owner:
            raise where.kind.NOUN.foreign(where.owner)
        if version is not None:
            _check_version(before, version)
        wish = shapes.wish(revise(shapes.shown(before)), where.kind, where.owner, before, sealer)
        if wish.name != where.name:
            raise Malformed("name-mismatch", "the name of an object can't be changed")
        return await commands.change_object(unit, before, wish, by=by)

    return json_response(shapes.shown(await parts.store.transact(work)))


def _check_version(before: Kept, version: str) -> None:
    if version in ("", "0"):
        text = "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
        noun = before.NOUN
        raise Malformed("version-missing", f'{noun.plural}{noun.group} "{before.name}" is invalid: {text}')
    if version != str(before.stamp.revision):
        raise before.NOUN.stale(before.name)


async def delete_object(request: web.Request, parts: Parts) -> web.Response:
    """Remove one."""
    where, by = place_of(request, "delete"), caller(request).user

    async def work(unit: Unit) -> None:
        kept: Kept | None = await unit.of(where.kind).look(where.name)
        if kept is None:
            raise where.kind.NOUN.missing(where.name)
        if kept.owner != where.owner:
            raise where.kind.NOUN.foreign(where.owner)
        await commands.remove_object(unit, kept, by=by)

    await parts.store.transact(work)
    return json_response({"message": "success"})


READS: Mapping[str, tuple[tuple[str, Handler], ...]] = {
    "/{resources}": (("GET", worded(list_objects)),),
    "/{resources}/{name}": (("GET", worded(get_object)),),
}
WRITES: Mapping[str, tuple[tuple[str, Handler], ...]] = {
    "/{resources}": (("POST", worded(create_object)),),
    "/{resources}/{name}": (
        ("PUT", worded(replace_object)),
        ("PATCH", worded(patch_object)),
        ("DELETE", worded(delete_object)),
    ),
}


def _routes(version: str, table: Mapping[str, tuple[tuple[str, Handler], ...]]) -> tuple[Route, ...]:
    return tuple(
        Route(method, f"{version}{inside}{path}", handler, parameters=LIST if method == "GET" else ())
        for inside in ("", "/users/{user}")
        for path, several in table.items()
        for method, handler in several
    )


ROUTES = (*_routes(NEW, READS), *_routes(NEW, WRITES), *_routes(OLD, READS))
