"""`/internal/monitoring/v1`: PromQL for the other services."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from libs.shared.errors import Busy, Invalid
from libs.shared.http.faults import json_response
from libs.shared.http.reading import strict
from libs.shared.http.route import Access, Route
from services.monitoring import shapes
from services.monitoring.clients.binding import bound_to
from services.monitoring.clients.parser import LONGEST
from services.monitoring.domain.answer import Answer
from services.monitoring.domain.instants import instant, resolution
from services.monitoring.domain.labels import Matcher
from services.monitoring.domain.moment import Moments
from services.monitoring.parts import Parts

V1 = "/internal/monitoring/v1"
Instant = float | str
LONGEST_LABEL = 128
LONGEST_VALUE = 4096
MOST_BOUND = 4


class Bound(BaseModel):
    """A matcher that every selector of the expression gets besides its own."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=LONGEST_LABEL)
    op: Literal["=", "!=", "=~", "!~"]
    value: str = Field(max_length=LONGEST_VALUE)


Bind = Annotated[list[Bound], Field(max_length=MOST_BOUND)]


class QueryBody(BaseModel):
    """An expression, and when: seconds or RFC 3339; now unless given."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(max_length=LONGEST)
    bind: Bind = []
    time: Instant | None = None


class RangeBody(BaseModel):
    """An expression over a range; `step` in seconds or as a duration."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(max_length=LONGEST)
    start: Instant
    end: Instant
    step: Instant


class ParseBody(BaseModel):
    """An expression, and what it is to be bound to."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(max_length=LONGEST)
    bind: Bind = []


async def query(request: web.Request, parts: Parts) -> web.Response:
    """Prometheus' `data` object of one moment."""
    body = await strict(request, QueryBody)
    at = round(parts.clock().timestamp() * 1000) if body.time is None else instant("time", str(body.time))
    return await _asked(parts, _bound(body.query, body.bind) if body.bind else body.query, Moments(at, at))


async def query_range(request: web.Request, parts: Parts) -> web.Response:
    """Prometheus' `data` object of a range."""
    body = await strict(request, RangeBody)
    start, end = instant("start", str(body.start)), instant("end", str(body.end))
    if end < start:
        raise Invalid("query-time", 'invalid parameter "end": end timestamp must not be before start time')
    return await _asked(parts, body.query, Moments(start, end, resolution(str(body.step)), ranged=True))


async def _asked(parts: Parts, expression: str, when: Moments) -> web.Response:
    answer: Answer = (await parts.metrics.query({"": expression}, when))[""]
    if answer.error.startswith(("internal:", "timeout:")):
        raise Busy("query-failed", answer.error, retry_after=5)
    if answer.error:
        raise Invalid("query-refused", answer.error)
    return json_response(shapes.data(answer))


async def parse(request: web.Request, _: Parts) -> web.Response:
    """200 for an expression that can be evaluated here; 422 with the parser's text for another."""
    body = await strict(request, ParseBody)
    _bound(body.query, body.bind)
    return json_response({})


def _bound(expression: str, bind: Bind) -> str:
    return bound_to(expression, [Matcher(one.name, one.op, one.value) for one in bind])


ROUTES = (
    Route("POST", V1 + "/query", query, access=Access.INTERNAL, body=QueryBody),
    Route("POST", V1 + "/query_range", query_range, access=Access.INTERNAL, body=RangeBody),
    Route("POST", V1 + "/parse", parse, access=Access.INTERNAL, body=ParseBody),
)
