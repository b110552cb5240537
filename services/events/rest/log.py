"""`/kapis/events.orrery.io/v1/events`: the log, in pages and as a stream."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from libs.shared.http.answers import answer
from libs.shared.http.identity import caller
from libs.shared.http.route import Access, May, Mine, Route
from services.events.domain.sight import Viewer
from services.events.domain.wanted import followed
from services.events.parts import Parts
from services.events.queries import log as queries
from services.events.rest.stream import Stream
from services.events.shapes import log as shapes

SKEW = timedelta(seconds=2)
"""How far the clocks of gateway and accounts may lie apart, and how long an event may be under way between them."""


async def viewer_of(request: web.Request) -> Viewer:
    """The caller, with the gateway's answers."""
    identity = caller(request)
    everything = await answer(request, "events.all") is True
    workspaces = frozenset() if everything else frozenset(await answer(request, "workspaces"))
    return Viewer(
        user=identity.user,
        groups=frozenset(identity.groups),
        session=identity.session,
        since=identity.issued - SKEW,
        everything=everything,
        workspaces=workspaces,
    )


async def list_events(request: web.Request, parts: Parts) -> web.StreamResponse:
    """What happened, in the order of the log. Platform administrators see all of it, members what happened in their
    workspaces. With `follow=true` it goes on as server-sent events; a position whose
    next entries are no longer kept is 410 there.
    """
    wanted, follow = shapes.wanted(request.rel_url.query, request.headers.get("Last-Event-ID", ""))
    shapes.check_position(wanted.after, (await queries.log_cursor(parts.store)).position)
    viewer = await viewer_of(request)
    if follow:
        wanted = followed(wanted, await queries.swept_through(parts.store))
        settings = parts.settings
        with parts.feed.joined(viewer.user, most=settings.streams, most_of_user=settings.streams_per_user):
            return await Stream(request, parts, wanted, viewer).run()
    found = await queries.read_entries(parts.store, wanted, await queries.with_floors(parts.store, viewer))
    return web.Response(body=shapes.page(found), content_type="application/json", headers={"Cache-Control": "no-store"})


ROUTES = (
    Route(
        "GET",
        "/kapis/events.orrery.io/v1/events",
        list_events,
        access=Access.SIGNED_IN,
        questions=(
            May("events.all", verb="list", resource="events", group="events.orrery.io", scope="Global"),
            Mine("workspaces", of="workspaces"),
        ),
        streams=True,
        answer=shapes.EventsShape,
        parameters=shapes.PARAMETERS,
    ),
)
