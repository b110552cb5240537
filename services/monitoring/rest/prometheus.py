"""`/kapis/monitoring.orrery.io/v1/prometheus/api/v1`: Prometheus' own API, for administrators."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict, MultiMapping

from libs.shared.errors import Invalid, Malformed, TooLarge, Unsupported
from libs.shared.http.faults import json_response
from libs.shared.http.reading import FORM, MOST_FIELDS, raw_body
from libs.shared.http.route import MIB, Route
from services.monitoring import shapes
from services.monitoring.domain.instants import instant, resolution
from services.monitoring.domain.labels import Labels
from services.monitoring.domain.moment import Moments
from services.monitoring.domain.snappy import decompressed
from services.monitoring.parts import Parts

API = "/kapis/monitoring.orrery.io/v1/prometheus/api/v1"
LARGEST = 32 * MIB
MOST_SERIES = 100_000
RANGE = (("start", "seconds or RFC 3339"), ("end", "seconds or RFC 3339"))
MATCH = (("match[]", "a selector; several may be given"), *RANGE)
KINDS = re.compile(r"(bad_data|execution|timeout|internal|canceled): (.*)", re.DOTALL)
STATUSES: Mapping[str, HTTPStatus] = {"bad_data": HTTPStatus.BAD_REQUEST, "timeout": HTTPStatus.SERVICE_UNAVAILABLE}
HOUR = 3_600_000
Handler = Callable[[web.Request, Parts], Awaitable[web.Response]]


async def parameters(request: web.Request) -> MultiMapping[str]:
    """Of the query, and of a form; raises `Malformed` for a form that can't be read."""
    if request.method != "POST" or request.content_type != FORM:
        return request.query
    try:
        pairs = parse_qsl((await raw_body(request)).decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Malformed("form", f"the form is to be UTF-8 with at most {MOST_FIELDS} fields") from None
    return MultiDict([*request.query.items(), *pairs])


def told(work: Callable[[MultiMapping[str], Parts], Awaitable[object]]) -> Handler:
    """A handler that answers in Prometheus' envelope, faults included."""

    async def handler(request: web.Request, parts: Parts) -> web.Response:
        try:
            data = await work(await parameters(request), parts)
        except (Invalid, TooLarge) as fault:
            return failed("bad_data", fault.text, HTTPStatus.BAD_REQUEST)
        return json_response({"status": "success", "data": data})

    handler.__doc__ = work.__doc__
    return handler


def failed(kind: str, text: str, status: int) -> web.Response:
    """Prometheus' envelope of an error."""
    return json_response({"status": "error", "errorType": kind, "error": text}, status)


def queried(ranged: bool) -> Handler:  # the two differ in this alone
    """`query` or `query_range`."""

    async def query(request: web.Request, parts: Parts) -> web.Response:
        """An expression's value, as Prometheus answers it."""
        given = await parameters(request)
        try:
            when = _when(given, round(parts.clock().timestamp() * 1000), ranged=ranged)
        except Invalid as fault:
            return failed("bad_data", fault.text, HTTPStatus.BAD_REQUEST)
        answer = (await parts.metrics.query({"": given.get("query", "")}, when))[""]
        if not answer.error:
            return json_response({"status": "success", "data": shapes.data(answer)})
        found = KINDS.fullmatch(answer.error)
        kind, text = (found[1], found[2]) if found else ("internal", answer.error)
        return failed(kind, text, STATUSES.get(kind, HTTPStatus.UNPROCESSABLE_ENTITY))

    return query


def _when(given: MultiMapping[str], now: int, *, ranged: bool) -> Moments:
    if not ranged:
        at = instant("time", given["time"]) if given.get("time") else now
        return Moments(at, at)
    start, end = (instant(name, given.get(name, "")) for name in ("start", "end"))
    if end < start:
        raise Invalid("query-time", 'invalid parameter "end": end timestamp must not be before start time')
    return Moments(start, end, resolution(given.get("step", "")), ranged=True)


def _range(given: MultiMapping[str], parts: Parts) -> tuple[int, int]:
    """The time that is looked at: the last twelve hours unless given."""
    now = round(parts.clock().timestamp() * 1000)
    end = instant("end", given["end"]) if given.get("end") else now
    return (instant("start", given["start"]) if given.get("start") else min(end, now) - 12 * HOUR), end


async def _found(given: MultiMapping[str], parts: Parts) -> list[Labels]:
    found = await parts.metrics.series(given.getall("match[]", []), *_range(given, parts))
    if len(found) > MOST_SERIES:
        raise TooLarge("series-many", f"{len(found)} series are found; {MOST_SERIES} are told")
    return found


async def list_series(given: MultiMapping[str], parts: Parts) -> object:
    """Series that one of the selectors holds for, by their labels."""
    if not given.getall("match[]", []):
        raise Invalid("match", "no match[] parameter provided")
    return shapes.label_sets(await _found(given, parts))


async def list_labels(given: MultiMapping[str], parts: Parts) -> object:
    """Names of labels, sorted."""
    return sorted({name for labels in await _found(given, parts) for name, _ in labels})


async def list_values(request: web.Request, parts: Parts) -> web.Response:
    """Values of a label, sorted."""
    wanted = request.match_info["name"]

    async def values(given: MultiMapping[str], parts: Parts) -> object:
        return sorted({value for labels in await _found(given, parts) for name, value in labels if name == wanted})

    return await told(values)(request, parts)


async def write(request: web.Request, parts: Parts) -> web.Response:
    """Take samples by Prometheus' remote write 1.0 (protocol buffer, snappy); 204 once they are on disk. A sample that
    is refused (older than the series' last, or than what is kept) is counted, told in the 400, and sent once only: all
    others of the request are kept.
    """
    if parts.keep is None:
        raise Unsupported(
            "metrics-foreign", "samples are kept by the Prometheus that ORRERY_METRICS names: write there"
        )
    if request.headers.get("Content-Encoding", "snappy") != "snappy":
        raise Unsupported("remote-write", "the body is to be compressed with snappy")
    raw = await raw_body(request)
    report = await parts.keep.take(await asyncio.to_thread(decompressed, raw, LARGEST))
    parts.journal.kept(report)
    if report.refused:
        text = f"{report.old} samples too old, {report.late} out of order or repeated, {report.many} of too many series"
        return web.Response(text=f"{text}; {report.accepted} kept\n", status=HTTPStatus.BAD_REQUEST)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def both(path: str, handler: Handler, parameters: tuple[tuple[str, str], ...]) -> tuple[Route, ...]:
    """GET and POST of a form."""
    return tuple(
        Route(method, API + path, handler, parameters=parameters, refusal=shapes.FailureShape)
        for method in ("GET", "POST")
    )


ROUTES = (
    *both("/query", queried(ranged=False), (("query", "PromQL"), ("time", "seconds or RFC 3339; now unless given"))),
    *both("/query_range", queried(ranged=True), (("query", "PromQL"), *RANGE, ("step", "seconds or a duration"))),
    *both("/series", told(list_series), MATCH),
    *both("/labels", told(list_labels), MATCH),
    Route("GET", API + "/label/{name}/values", list_values, parameters=MATCH, refusal=shapes.FailureShape),
    Route("POST", API + "/write", write, max_body=LARGEST, status=HTTPStatus.NO_CONTENT),
)
