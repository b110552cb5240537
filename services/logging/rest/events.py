"""`/kapis/tenant.kubesphere.io/v1alpha2/events`: Kubernetes events, where the caller may list them."""

from __future__ import annotations

from aiohttp import web

from libs.shared.http.route import Access, May, Route
from services.logging.domain import event
from services.logging.domain.entry import EVENTS
from services.logging.domain.space import beyond, within
from services.logging.domain.wanted import Wish, every
from services.logging.parts import Parts
from services.logging.rest.sight import EVERYTHING, MINE, in_plain_words, sees_everything, spaces_of
from services.logging.shapes import answering, reading

LIST = May(EVERYTHING, verb="list", resource="events", scope="Cluster")
OPERATIONS = frozenset({"query", "statistics", "histogram"})
SPACES = (
    "involved_object_namespace_filter",
    "involved_object_namespace_search",
    "workspace_filter",
    "workspace_search",
)
FIELDS = ("involved_object_name_filter", "reason_search", *(name for name, _, _ in event.FIELDS))
PARAMETERS = (
    ("operation", "query (unless given), statistics or histogram"),
    ("workspace_filter", "only of these workspaces, a comma list; workspace_search takes parts of names"),
    ("involved_object_namespace_filter", "only about objects of these namespaces; _search takes parts of names"),
    ("involved_object_name_filter", "only about objects of these names; _search takes words of names"),
    ("involved_object_kind_filter", "only about objects of these kinds"),
    ("reason_filter", "only of these reasons; reason_search takes parts of them"),
    ("message_search", "only with one of these phrases in the message"),
    ("type_filter", "Normal or Warning"),
    *reading.PARAMETERS,
)


@in_plain_words
async def list_events(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Kubernetes events, their number, or how they spread over time; of the namespaces in which the caller may list
    events, and there since the namespace was made.
    """
    query = request.rel_url.query
    asked, lists = reading.asked(query, OPERATIONS), reading.lists(query, (*SPACES, *FIELDS))
    wish = every([await _seen(request, parts, lists), *event.wishes(lists, query.get("type_filter", ""))])
    kept = parts.keeping.index
    if asked.operation == "statistics":
        total, sources = await kept.count(EVENTS, wish, asked.span)
        body = answering.statistics(sources, total, of="resources", them="events")
    elif asked.interval is not None:
        body = answering.histogram(await kept.histogram(EVENTS, wish, asked.span, asked.interval), key="buckets")
    else:
        body = answering.documents_page(await kept.page(EVENTS, wish, asked.span, asked.page), keeps_total=False)
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


async def _seen(request: web.Request, parts: Parts, lists: dict[str, list[str]]) -> Wish:
    """Events about what is in no namespace are for who may list all, and asks for no namespace (observability 4.1)."""
    names = reading.names(lists, *SPACES)
    everything = await sees_everything(request)
    spaces = await spaces_of(request, parts, names, LIST, everything=everything)
    return beyond(within(spaces), cluster=everything and not names.any)


ROUTES = (
    Route(
        "GET",
        "/kapis/tenant.kubesphere.io/v1alpha2/events",
        list_events,
        access=Access.SIGNED_IN,
        questions=(LIST, *MINE),
        answer=answering.EventsShape,
        parameters=PARAMETERS,
    ),
)
