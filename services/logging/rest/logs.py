"""`/kapis/tenant.kubesphere.io/v1alpha2/logs`: lines of the containers that the caller may read the logs of."""

from __future__ import annotations

from aiohttp import web

from libs.shared.http.route import Access, May, Route
from services.logging.domain import log
from services.logging.domain.entry import LOGS
from services.logging.domain.space import Names, within
from services.logging.domain.wanted import EVERYTHING as ALL
from services.logging.domain.wanted import AnyOf, Term, Wish, every
from services.logging.parts import Parts
from services.logging.rest.sight import EVERYTHING, MINE, in_plain_words, sees_everything, spaces_of
from services.logging.shapes import answering, reading

READ = May(EVERYTHING, verb="get", resource="pods/log", scope="Cluster")
OPERATIONS = frozenset({"query", "statistics", "histogram", "export"})
SPACES = ("namespaces", "namespace_query", "workspaces", "workspace_query")
LISTS = (*SPACES, "workloads", "workload_query", "pods", "pod_query", "containers", "container_query", "log_query")
PARAMETERS = (
    ("operation", "query (unless given), statistics, histogram or export"),
    ("namespaces", "only of these namespaces, a comma list; namespace_query takes parts of names"),
    ("workspaces", "only of these workspaces' namespaces, a comma list; workspace_query takes parts of names"),
    ("workloads", "only of the pods of these workloads, a comma list; workload_query takes words of names"),
    ("pods", "only of these pods, a comma list; pod_query takes words of names"),
    ("containers", "only of these containers, a comma list; container_query takes words of names"),
    ("log_query", "only lines with one of these phrases, a comma list; the last word of each may go on"),
    *reading.PARAMETERS,
)


@in_plain_words
async def list_logs(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Log lines, their number, how they spread over time, or their text alone; of the namespaces in which the caller
    may read logs, and there since the namespace was made.
    """
    asked = reading.asked(request.rel_url.query, OPERATIONS)
    lists = reading.lists(request.rel_url.query, LISTS)
    wish = every([await _seen(request, parts, lists), *log.wishes(lists)])
    kept = parts.keeping.logs
    if asked.operation == "export":
        return await _export(request, parts, wish, asked)
    if asked.operation == "statistics":
        total, sources = await kept.count(LOGS, wish, asked.span)
        body = answering.statistics(sources, total, of="containers", them="logs")
    elif asked.interval is not None:
        body = answering.histogram(await kept.histogram(LOGS, wish, asked.span, asked.interval), key="histograms")
    else:
        body = answering.logs_page(await kept.page(LOGS, wish, asked.span, asked.page))
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


async def _seen(request: web.Request, parts: Parts, lists: dict[str, list[str]]) -> Wish:
    """Who may read all logs and asks for no namespace sees those of namespaces that are gone, too; who names some sees
    those that stand (observability 3.2).
    """
    lowered = [text.lower() for text in lists["namespace_query"]] if "namespace_query" in lists else None
    names = Names(lists.get("namespaces"), lowered, lists.get("workspaces"), lists.get("workspace_query"))
    everything = await sees_everything(request)
    if everything and not names.any:
        return ALL
    spaces = await spaces_of(request, parts, names, READ, everything=everything)
    if everything:
        return Term("namespace", tuple(space.name for space in spaces)) if spaces else AnyOf(())
    return AnyOf(tuple(within(spaces)))


async def _export(request: web.Request, parts: Parts, wish: Wish, asked: reading.Asked) -> web.StreamResponse:
    """The lines' text as it comes from the store, newest first; a store that fails before the first answers as such."""
    batches = parts.keeping.logs.walk(LOGS, wish, asked.span, parts.settings.export_lines)
    first = await anext(batches, None)
    response = web.StreamResponse(headers={"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"})
    response.content_type, response.charset = "text/plain", "utf-8"
    await response.prepare(request)
    await response.write(b"".join(map(log.plain, first or ())))
    async for batch in batches:
        await response.write(b"".join(map(log.plain, batch)))
    await response.write_eof()
    return response


ROUTES = (
    Route(
        "GET",
        "/kapis/tenant.kubesphere.io/v1alpha2/logs",
        list_logs,
        access=Access.SIGNED_IN,
        questions=(READ, *MINE),
        streams=True,
        answer=answering.LogsShape,
        parameters=PARAMETERS,
    ),
)
