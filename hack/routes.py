"""The gateway's table of routes, from every service's own ROUTES and kinds.

    python -m hack.routes            write services/gateway/routes.json
    python -m hack.routes --check    exit 1 when it is stale

A path that two services claim, and two routes of a service that match one path and would be let through differently,
are refused: whoever decides and whoever answers must mean the same route.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from libs.shared.http.route import Question, Route
from libs.shared.kinds import serve
from services.catalogue import CATALOGUE, service

TABLE = pathlib.Path(__file__).parents[1] / "services" / "gateway" / "routes.json"
DISCOVERY = "discovery"
Row = dict[str, Any]


def routes(name: str) -> tuple[Route, ...]:
    """What a service serves to clients."""
    found = service(name)
    return tuple(r for r in (*found.routes, *serve.routes(found.kinds)) if not r.access.inner)


def row(name: str, route: Route) -> Row:
    """One route as the gateway needs it; what is as usual is left out."""
    made: Row = {"service": name, "method": route.method, "path": route.path, "access": route.access.value}
    if route.questions:
        made["questions"] = [asked(question) for question in route.questions]
    if route.max_body != Route("", "", route.handler).max_body:
        made["max_body"] = route.max_body
    if route.streams:
        made["streams"] = True
    if route.dialect is not None:
        made["dialect"] = route.dialect.value
    return made


def asked(question: Question) -> dict[str, str]:
    """A question as its fields, with its kind."""
    fields = {key: value for key, value in dataclasses.asdict(question).items() if value}
    return {"kind": type(question).__name__, **fields}


def rows() -> list[Row]:
    """The whole table, by path and method. Discovery of a group that several services serve is the first one's."""
    found: dict[tuple[str, str], Row] = {}
    for name in sorted(CATALOGUE):
        for route in routes(name):
            key = (route.path, route.method)
            if key not in found:
                found[key] = row(name, route)
            elif DISCOVERY not in route.tags:
                sys.exit(f"{route.method} {route.path} is claimed by {found[key]['service']} and by {name}")
    return [found[key] for key in sorted(found)]


def ambiguous(table: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Pairs of routes that may match one path, neither being the narrower, and are let through differently."""
    for one, other in combinations(table, 2):
        if one["method"] == other["method"] and crossing(parts(one), parts(other)):
            terms = [{key: r.get(key) for key in ("service", "access", "questions", "streams")} for r in (one, other)]
            if terms[0] != terms[1]:
                yield one, other


def parts(made: Row) -> list[str]:
    """The segments of a route's path."""
    return str(made["path"]).strip("/").split("/")


def crossing(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two patterns of one length overlap, each being the narrower somewhere."""
    if len(one) != len(other):
        return False
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    overlap = all(a.startswith("{") or b.startswith("{") for a, b in pairs)
    narrower = {a.startswith("{") for a, b in pairs if a.startswith("{") != b.startswith("{")}
    return overlap and narrower == {True, False}


def text(table: Sequence[Row]) -> str:
    """The file: one route a line, so that a change shows as what it is."""
    return "[\n" + ",\n".join(json.dumps(made) for made in table) + "\n]\n"


def main() -> int:
    """The exit code."""
    table = rows()
    for one, other in ambiguous(table):
        print(f"{one['method']} {one['path']} and {other['path']} match one path and are let through differently")
        return 1
    if "--check" not in sys.argv:
        TABLE.write_text(text(table))
        print(f"{len(table)} routes in {TABLE.name}")
        return 0
    if not TABLE.exists() or TABLE.read_text() != text(table):
        print(f"{TABLE.name} is stale: run python -m hack.routes")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
