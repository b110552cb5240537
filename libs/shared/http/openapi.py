"""OpenAPI 3.1 from the routes themselves: what is served is what is described, and nothing is written down twice."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from libs.shared.errors import Conflict
from libs.shared.http.faults import JSON, dialect_of, json_response
from libs.shared.http.route import Access, Dialect, Route
from libs.shared.http.schemas import PROBLEM_SCHEMA, RESPONSES, SECURITY, STATUS_SCHEMA

Json = dict[str, Any]
PATH: Final = "/openapi/v1"
VERSION: Final = "3.1.0"
FORM: Final = "application/x-www-form-urlencoded"
PATCHES: Final = ("application/merge-patch+json", "application/json-patch+json")
_PARAMETER: Final = re.compile(r"\{(\w+)(?::((?:[^{}]|\{[\d,]*\})+))?\}")
"""A path parameter in aiohttp's syntax: a name, and maybe a regular expression."""
_WITH_BODY: Final = ("POST", "PUT", "PATCH")

Mode = Literal["validation", "serialization"]
Schemas = Mapping[tuple[Any, Mode], Json]
"""Schema of each model by use; pydantic's key also takes dataclasses."""


def served(service: str, routes: Sequence[Route]) -> Route:
    """The route that gives a service's document to the gateway, which merges them."""

    async def describe(_request: web.Request, _parts: Any) -> web.Response:
        """This service's routes as OpenAPI 3.1, those that are never forwarded included."""
        return json_response(document(service, routes))

    return Route("GET", PATH, describe, access=Access.INTERNAL, dialect=Dialect.ORRERY, tags=("openapi",))


def document(service: str, routes: Sequence[Route]) -> Json:
    """One service's document. Names of schemas and operations begin with the service's, so that documents merge."""
    schemas, definitions = _schemas(service, routes)
    used: Counter[str] = Counter()
    paths: dict[str, Json] = {}
    for route in sorted(routes, key=lambda route: (route.path, route.method)):
        paths.setdefault(plain_path(route.path), {})[route.method.lower()] = _operation(service, route, schemas, used)
    return {
        "openapi": VERSION,
        "info": {"title": f"Orrery: {service}", "version": "v1"},
        "paths": paths,
        "components": {
            "schemas": {"Status": STATUS_SCHEMA, "Problem": PROBLEM_SCHEMA, **definitions},
            "responses": dict(RESPONSES),
            "securitySchemes": dict(SECURITY),
        },
    }


def merged(title: str, documents: Sequence[Json]) -> Json:
    """One document of several, for clients: without what is never forwarded.

    Raises `Conflict` where two services describe one operation.
    """
    whole: Json = {"openapi": VERSION, "info": {"title": title, "version": "v1"}, "paths": {}, "components": {}}
    for part in documents:
        for path, operations in part["paths"].items():
            shown = {m: told for m, told in operations.items() if told["x-orrery-access"] != Access.INTERNAL.value}
            standing = whole["paths"].setdefault(path, {}) if shown else {}
            if twice := standing.keys() & shown.keys():
                raise Conflict("openapi-twice", f"{'/'.join(sorted(twice))} {path} is described by two services")
            standing.update(shown)
        for sort, named in part["components"].items():
            whole["components"].setdefault(sort, {}).update(named)
    return whole


def plain_path(path: str) -> str:
    """The path in OpenAPI's syntax: parameters without their regular expressions."""
    return _PARAMETER.sub(r"{\1}", path)


def _schemas(service: str, routes: Sequence[Route]) -> tuple[Schemas, Json]:
    """Each model's schema by use, and the definitions that they refer to."""
    wanted: dict[tuple[type[BaseModel], Mode], None] = {}
    for route in routes:
        if route.body is not None:
            wanted[route.body, "validation"] = None
        if route.answer is not None:
            wanted[route.answer, "serialization"] = None
    found, made = models_json_schema(list(wanted), ref_template=f"#/components/schemas/{service}.{{model}}")
    return found, {f"{service}.{name}": schema for name, schema in made.get("$defs", {}).items()}


def _operation(service: str, route: Route, schemas: Schemas, used: Counter[str]) -> Json:
    text = inspect.getdoc(route.handler) or ""
    name = f"{service}.{getattr(route.handler, '__name__', 'operation')}"
    used[name] += 1
    told: Json = {
        "operationId": name if used[name] == 1 else f"{name}.{used[name]}",
        "summary": text.split("\n\n")[0].replace("\n", " ").split(". ")[0].rstrip("."),
        "description": text,
        "tags": list(route.tags or (service,)),
        "parameters": [*_path_parameters(route.path), *_query_parameters(route)],
        "responses": _responses(route, schemas),
        "security": _security(route.access),
        "x-orrery-access": route.access.value,
        "x-orrery-service": service,
    }
    if route.streams:
        told["x-orrery-streams"] = True
    if route.questions:
        told["x-orrery-questions"] = [question.name for question in route.questions]
    if route.method in _WITH_BODY:
        told["requestBody"] = _request_body(route, schemas)
    return told


def _path_parameters(path: str) -> Iterator[Json]:
    for name, pattern in _PARAMETER.findall(path):
        schema: Json = {"type": "string", "minLength": 1}
        if pattern:
            schema = {"type": "string", "pattern": f"^(?:{pattern})$"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: Route) -> Iterator[Json]:
    for name, text in route.parameters:
        yield {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}


def _request_body(route: Route, schemas: Schemas) -> Json:
    schema: Json = schemas[route.body, "validation"] if route.body is not None else {}
    dialect = route.dialect or dialect_of(route.path)
    media: tuple[str, ...] = (JSON,)
    if dialect is Dialect.OAUTH:
        media = (FORM,)
    elif route.method == "PATCH" and dialect is Dialect.KUBERNETES:
        media = PATCHES
    elif route.method == "PATCH" and dialect is Dialect.KUBESPHERE:
        media = (PATCHES[0], JSON)
    return {
        "required": route.body is not None,
        "description": f"At most {route.max_body} bytes.",
        "content": {kind: {"schema": schema} for kind in media},
    }


def _responses(route: Route, schemas: Schemas) -> Json:
    """What is answered when all goes well, and the errors: the gateway's own are Status objects on every path."""
    dialect = route.dialect or dialect_of(route.path)
    content: Json = {"schema": schemas[route.answer, "serialization"]} if route.answer is not None else {}
    good = "201" if dialect is Dialect.KUBERNETES and route.method == "POST" else "200"
    media = "text/event-stream" if route.streams and dialect is Dialect.ORRERY else JSON
    errors = {"$ref": f"#/components/responses/{dialect.value}"}
    answers: Json = {
        good: {"description": "Done.", "content": {JSON: content} | ({media: {}} if media != JSON else {})}
    }
    if route.access is not Access.INTERNAL:
        answers |= {code: {"$ref": "#/components/responses/kubernetes"} for code in ("401", "403", "429")}
    return answers | {"4XX": errors, "5XX": errors}


def _security(access: Access) -> list[Json]:
    match access:
        case Access.PUBLIC:
            return [{}]
        case Access.INTERNAL:
            return [{"identity": []}]
        case _:
            return [{"bearer": []}, {"basic": []}]
