"""OpenAPI 3.1 from the routes themselves: what is served is what is described, and nothing is written down twice."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal, get_origin

from aiohttp import web
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from libs.shared.errors import Conflict
from libs.shared.http.faults import JSON, dialect_of, json_response
from libs.shared.http.route import Access, Described, Dialect, Route
from libs.shared.http.schemas import PROBLEM_SCHEMA, RESPONSES, SECURITY, STATUS_SCHEMA
from libs.shared.objects.shapes import PatchOperation

Json = dict[str, Any]
PATH: Final = "/openapi/v1"
VERSION: Final = "3.1.0"
FORM: Final = "application/x-www-form-urlencoded"
MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
_PARAMETER: Final = re.compile(r"\{(\w+)(?::((?:[^{}]|\{[\d,]*\})+))?\}")
"""A path parameter in aiohttp's syntax: a name, and maybe a regular expression."""
_WITH_BODY: Final = ("POST", "PUT", "PATCH")

Use = Literal["validation", "serialization", "patch"]
Schemas = Mapping[tuple[Any, Use], Json]
"""Schema of each model by use."""
PATCH: Final = list[PatchOperation]


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
            shown = {m: told for m, told in operations.items() if not Access(told["x-orrery-access"]).inner}
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


class _Partial(GenerateJsonSchema):
    """Of a merge patch: whatever an object needs may be left out."""

    def field_is_required(self, *_about: Any, **_more: Any) -> bool:
        """Nothing is."""
        return False


def _schemas(service: str, routes: Sequence[Route]) -> tuple[Schemas, Json]:
    """Each model's schema by use, and the definitions that they refer to."""
    bodies = [(route.body, route.method == "PATCH" and not _is_list(route.body)) for route in routes if route.body]
    answers = [shape for route in routes for shape in (route.answer, route.refusal) if shape]
    whole: list[tuple[Any, JsonSchemaMode]] = [
        *((body, "validation") for body, partly in bodies if not partly),
        *((PATCH, "validation") for _, partly in bodies if partly),
        *((shape, "serialization") for shape in answers),
    ]
    partial: list[tuple[Any, JsonSchemaMode]] = [(body, "validation") for body, partly in bodies if partly]
    found, definitions = _made(service, whole, "", GenerateJsonSchema)
    patches, more = _made(service, partial, ".patch", _Partial)
    return {**found, **{(shape, "patch"): schema for (shape, _), schema in patches.items()}}, definitions | more


def _made(
    service: str, wanted: list[tuple[Any, JsonSchemaMode]], suffix: str, generator: type[GenerateJsonSchema]
) -> tuple[dict[tuple[Any, Use], Json], Json]:
    """Schemas of these, and definitions whose names begin with the service's and end in the suffix."""
    inputs = [(shape, mode, TypeAdapter(shape)) for shape, mode in dict.fromkeys(wanted)]
    template = f"#/components/schemas/{service}.{{model}}{suffix}"
    found, made = TypeAdapter.json_schemas(inputs, ref_template=template, schema_generator=generator)
    named = {f"{service}.{name}{suffix}": schema for name, schema in made.get("$defs", {}).items()}
    return {(shape, use): schema for (shape, use), schema in found.items()}, named


def _is_list(shape: Described | None) -> bool:
    return get_origin(shape) is list


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
    if route.body is not None or route.method in _WITH_BODY:
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
    """A form, JSON, or a patch of either sort; whoever deletes may send nothing."""
    schema: Json = schemas.get((route.body, "validation"), {})
    partial: Json = schemas.get((route.body, "patch"), {})
    dialect = route.dialect or dialect_of(route.path)
    content = {JSON: schema}
    if dialect is Dialect.OAUTH:
        content = {FORM: schema}
    elif route.method == "PATCH" and _is_list(route.body):
        content = {JSON_PATCH: schema, JSON: schema}
    elif route.method == "PATCH" and dialect is Dialect.KUBERNETES:
        content = {MERGE_PATCH: partial, JSON_PATCH: schemas.get((PATCH, "validation"), {})}
    elif route.method == "PATCH" and dialect is Dialect.KUBESPHERE:
        content = {MERGE_PATCH: partial, JSON: partial}
    return {
        "required": route.body is not None and route.method != "DELETE",
        "description": f"At most {route.max_body} bytes.",
        "content": {kind: {"schema": wanted} for kind, wanted in content.items()},
    }


def _responses(route: Route, schemas: Schemas) -> Json:
    """What is answered when all goes well, and errors in the route's dialect; the gateway's own are part of each."""
    dialect = route.dialect or dialect_of(route.path)
    usual = HTTPStatus.CREATED if dialect is Dialect.KUBERNETES and route.method == "POST" else HTTPStatus.OK
    status = route.status or usual
    good: Json = {"description": "Done."}
    if status != HTTPStatus.NO_CONTENT:
        good["content"] = _content(route, dialect, schemas)
    errors: Json = {"$ref": f"#/components/responses/{dialect.value}"}
    answers: Json = {str(int(status)): good}
    if not route.access.inner:
        answers |= dict.fromkeys(("401", "403", "429"), errors)
    if route.refusal is not None:
        errors = _refused(RESPONSES[dialect.value], schemas[route.refusal, "serialization"])
    return answers | {"4XX": errors, "5XX": errors}


def _refused(usual: Json, own: Json) -> Json:
    """Errors that a handler words itself, beside those of its dialect."""
    content = dict(usual["content"])
    known = content.get(JSON, {}).get("schema")
    content[JSON] = {"schema": {"anyOf": [own, known]} if known else own}
    return {"description": usual["description"], "content": content}


def _content(route: Route, dialect: Dialect, schemas: Schemas) -> Json:
    schema: Json = {"schema": schemas[route.answer, "serialization"]} if route.answer is not None else {}
    if route.streams and dialect is Dialect.ORRERY:
        return {route.media: schema, "text/event-stream": {}}
    return {route.media: schema}


def _security(access: Access) -> list[Json]:
    match access:
        case Access.PUBLIC:
            return [{}]
        case Access.INTERNAL | Access.GATEWAY:
            return [{"identity": []}]
        case _:
            return [{"bearer": []}, {"basic": []}]
