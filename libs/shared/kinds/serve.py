"""The routes of kinds: `/apis/<group>/<version>/…` as an aggregated API server has them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from aiohttp import web

from libs.shared.errors import Missing, Unsupported
from libs.shared.http.route import Access, Described, Dialect, Handler, Route
from libs.shared.kinds import bodies, discovery, query, reads, watch, wire, writes
from libs.shared.kinds.kind import Kind
from libs.shared.objects.shapes import DeleteOptions, ObjectList

_SELECTION = (
    ("labelSelector", "only labels that match"),
    ("fieldSelector", "only fields that match: `metadata.name=x`"),
)
_PAGING = (
    ("limit", "how many at most; the rest by `continue`"),
    ("continue", "`metadata.continue` of the part before"),
    ("resourceVersion", "a version that was read: not older than it, or where a watch begins"),
    ("resourceVersionMatch", "Exact or NotOlderThan"),
    ("timeoutSeconds", "how long a watch lasts"),
    ("watch", "true: a stream of changes, a JSON object a line"),
    ("allowWatchBookmarks", "true: a watch tells now and then how far it is"),
    ("sendInitialEvents", "true: a watch begins with what stands"),
)
_WRITING = (
    ("dryRun", "All: tried, not kept"),
    ("fieldValidation", "what becomes of unknown fields: Strict, Warn (the default) or Ignore"),
    ("fieldManager", "who writes; kept nowhere"),
)
_DELETING = (
    ("dryRun", "All: tried, not kept"),
    ("propagationPolicy", "Orphan, Background or Foreground"),
    ("gracePeriodSeconds", "read, and passed on to the command"),
    ("orphanDependents", "the old form of propagationPolicy"),
)
PARAMETERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "GET": (*_SELECTION, *_PAGING),
    **dict.fromkeys(("POST", "PUT", "PATCH"), _WRITING),
    "DELETE": _DELETING,
}
"""Query parameters by method, for OpenAPI."""
Serve = Callable[[Kind[Any], web.Request, Any], Awaitable[web.StreamResponse]]


def routes(kinds: Sequence[Kind[Any]]) -> tuple[Route, ...]:
    """Every route of these kinds, discovery of their groups, and the internal one that the gateway merges."""
    return (
        *(route for kind in kinds for route in _objects(kind)),
        *_discovery(kinds),
    )


async def read_collection(kind: Kind[Any], request: web.Request, parts: Any) -> web.StreamResponse:
    """List a kind's objects, or watch them with `watch=true`."""
    asked = query.reading(request, kind)
    if query.flag(request, "watch"):
        return await watch_objects(kind, request, parts)
    return await reads.list_objects(kind, request, parts, asked)


async def watch_objects(kind: Kind[Any], request: web.Request, parts: Any) -> web.StreamResponse:
    """Watch a kind's objects, or one of them."""
    if not kind.watched:
        raise Unsupported("watch-unsupported", f"{kind.plural}.{kind.group} can't be watched", resource=kind.plural)
    return await watch.watch(kind, request, parts, query.reading(request, kind))


def _objects(kind: Kind[Any]) -> Iterator[Route]:
    base = f"/apis/{kind.api_version}"
    inside = f"{base}/namespaces/{{namespace}}" if kind.namespaced else base
    collection, one = f"{inside}/{kind.plural}", f"{inside}/{kind.plural}/{{name}}"
    yield _route(kind, "GET", collection, read_collection, streams=True)
    yield _route(kind, "GET", one, reads.get)
    if kind.namespaced:
        yield _route(kind, "GET", f"{base}/{kind.plural}", read_collection, streams=True)
    if kind.create is not None:
        yield _route(kind, "POST", collection, writes.create)
    if kind.update is not None:
        yield _route(kind, "PUT", one, writes.update)
        yield _route(kind, "PATCH", one, writes.patch)
    if kind.remove is not None:
        yield _route(kind, "DELETE", one, writes.delete)
    if kind.watched:
        yield from _watches(kind, base)


def _watches(kind: Kind[Any], base: str) -> Iterator[Route]:
    """The old form of watches, which KubeSphere's console uses over WebSockets."""
    inside = f"{base}/watch/namespaces/{{namespace}}" if kind.namespaced else f"{base}/watch"
    yield _route(kind, "GET", f"{inside}/{kind.plural}", watch_objects, streams=True)
    yield _route(kind, "GET", f"{inside}/{kind.plural}/{{name}}", watch_objects, streams=True)
    if kind.namespaced:
        yield _route(kind, "GET", f"{base}/watch/{kind.plural}", watch_objects, streams=True)


def _route(kind: Kind[Any], method: str, path: str, serve: Serve, *, streams: bool = False) -> Route:
    async def handler(request: web.Request, parts: Any) -> web.StreamResponse:
        return await serve(kind, request, parts)

    _called(handler, f"{serve.__name__}:{kind.plural}", serve.__doc__ or "")
    return Route(
        method,
        path,
        handler,
        questions=kind.questions,
        dialect=Dialect.KUBERNETES,
        max_body=bodies.LARGEST,
        streams=streams,
        body=DeleteOptions if method == "DELETE" else kind.model if method != "GET" else None,
        answer=_answer(kind, method, path),
        parameters=() if serve is reads.get else PARAMETERS[method],
        tags=(kind.api_version,),
    )


def _answer(kind: Kind[Any], method: str, path: str) -> Described | None:
    """The object, or a list of them; not what a deletion answers, a Status or the object, nor a watch's events."""
    if kind.model is None or method == "DELETE" or "/watch/" in path:
        return None
    listed: Any = ObjectList.__class_getitem__(kind.model)  # the model is known at run time only
    return kind.model if method != "GET" or "{name}" in path else listed


def _discovery(kinds: Sequence[Kind[Any]]) -> Iterator[Route]:
    found = discovery.groups(kinds)
    for item in found["items"]:
        name = item["metadata"]["name"]
        yield _fixed(f"/apis/{name}", discovery.group(found, name), f"Versions of {name}.")
        for version in item["versions"]:
            listed = discovery.resources(found, name, version["version"])
            text = f"Resources of {name}/{version['version']}."
            yield _fixed(f"/apis/{name}/{version['version']}", listed, text)
    if found["items"]:
        yield _fixed(discovery.INTERNAL_PATH, found, "This service's kinds, for the gateway.", Access.INTERNAL)


def _fixed(path: str, thing: Any, text: str, access: Access = Access.SIGNED_IN) -> Route:
    async def handler(request: web.Request, parts: Any) -> web.StreamResponse:
        del request, parts
        if thing is None:
            raise Missing("group-missing", f"nothing is served at {path}")
        return wire.answer(thing)

    _called(handler, f"discover:{path}", text)
    return Route("GET", path, handler, access=access, dialect=Dialect.KUBERNETES, tags=("discovery",))


def _called(handler: Handler, name: str, text: str) -> None:
    """Name a closure after what it does, for the map of routes and for OpenAPI."""
    handler.__name__ = handler.__qualname__ = name
    handler.__doc__ = text
