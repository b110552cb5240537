"""`/kapis/tenant.kubesphere.io/v1alpha2/auditing/events`: who did what, where the caller may list events."""

from __future__ import annotations

from aiohttp import web

from libs.shared.http.route import Access, May, Route
from services.logging import queries
from services.logging.domain import audit
from services.logging.domain.entry import AUDITING
from services.logging.domain.space import NONE, Names, beyond, within, within_workspaces
from services.logging.domain.wanted import Glob, Term, Wish, every
from services.logging.parts import Parts
from services.logging.rest.sight import EVERYTHING, MINE, in_plain_words, sees_everything, spaces_of, workspaces_of
from services.logging.shapes import answering, reading

LIST = May(EVERYTHING, verb="list", resource="events", scope="Cluster")
OPERATIONS = frozenset({"query", "statistics", "histogram"})
SPACES = ("objectref_namespace_filter", "objectref_namespace_search", "workspace_filter", "workspace_search")
FIELDS = tuple(name for name, _ in (*audit.EXACT, *audit.WILD, *audit.WORDED))
PARAMETERS = (
    ("operation", "query (unless given), statistics or histogram"),
    ("workspace_filter", "only of these workspaces, a comma list; workspace_search takes parts of names"),
    ("objectref_namespace_filter", "only about objects of these namespaces; _search takes parts of names"),
    ("objectref_name_filter", "only about objects of these names; _search takes parts of names"),
    ("objectref_resource_filter", "only about these resources; objectref_subresource_filter, these subresources"),
    ("verb_filter", "only of these verbs"),
    ("level_filter", "only of these levels"),
    ("user_filter", "only of these users; user_search takes parts of names"),
    ("group_search", "only of users in groups with these parts in their names"),
    ("source_ip_search", "only from addresses with these parts"),
    ("response_code_filter", "only answered with one of these codes"),
    ("response_status_filter", "Success or Failure"),
    *reading.PARAMETERS,
)


@in_plain_words
async def list_audits(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Audit records, their number, or how they spread over time; of the namespaces and workspaces in which the caller
    may list events, and there since these were made.
    """
    query = request.rel_url.query
    asked, lists = reading.asked(query, OPERATIONS), reading.lists(query, (*SPACES, *FIELDS))
    codes = [code for code in query.get("response_code_filter", "").split(",") if reading.number(code) is not None]
    seen = await _seen(request, parts, reading.names(lists, *SPACES))
    wish = every([seen, *_named(lists), *audit.wishes(lists, codes[: reading.MOST_ITEMS])])
    kept = parts.keeping.index
    if asked.operation == "statistics":
        total, sources = await kept.count(AUDITING, wish, asked.span)
        body = answering.statistics(sources, total, of="resources", them="events")
    elif asked.interval is not None:
        body = answering.histogram(await kept.histogram(AUDITING, wish, asked.span, asked.interval), key="buckets")
    else:
        body = answering.documents_page(await kept.page(AUDITING, wish, asked.span, asked.page), keeps_total=True)
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


async def _seen(request: web.Request, parts: Parts, names: Names) -> Wish:
    """A record is seen by who may list events in its namespace or its workspace; one of no namespace, or no workspace,
    by who may in the whole cluster, and asks for no place (observability 4.4).
    """
    everything = await sees_everything(request)
    spaces = await spaces_of(request, parts, names, LIST, everything=everything)
    known = {name: at for name, at in (await queries.workspaces(parts.store)).items() if names.fits_workspace(name)}
    allowed = await workspaces_of(request, tuple(known), LIST, everything=everything)
    wishes = [*within(spaces), *within_workspaces({name: known[name] for name in allowed})]
    if everything and not names.any:
        wishes.append(Term("workspace", (NONE,)))
    return beyond(wishes, cluster=everything and not names.any)


def _named(lists: dict[str, list[str]]) -> list[Wish]:
    """Places that are named count for the record itself, too: it may be seen by the other of its two."""
    found: list[Wish] = []
    for name, field in (("objectref_namespace", "namespace"), ("workspace", "workspace")):
        if f"{name}_filter" in lists:
            found.append(Term(field, tuple(lists[f"{name}_filter"])))
        if f"{name}_search" in lists:
            found.append(Glob(field, tuple(f"*{text}*" for text in lists[f"{name}_search"])))
    return found


ROUTES = (
    Route(
        "GET",
        "/kapis/tenant.kubesphere.io/v1alpha2/auditing/events",
        list_audits,
        access=Access.SIGNED_IN,
        questions=(LIST, *MINE),
        answer=answering.EventsShape,
        parameters=PARAMETERS,
    ),
)
