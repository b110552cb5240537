"""The document that routes make, and several merged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from aiohttp import web
from pydantic import BaseModel, Field
from schemathesis.core.result import Err

from libs.shared.errors import Conflict
from libs.shared.http.openapi import document, merged, plain_path
from libs.shared.http.route import Access, Dialect, Mine, Route
from libs.shared.http.schemas import RESPONSES


class Part(BaseModel):
    size: int = Field(ge=0)


class Wish(BaseModel):
    name: str
    parts: list[Part] = []


class Thing(BaseModel):
    name: str
    made_at: str = Field(serialization_alias="madeAt")


async def make_thing(request: web.Request, parts: Any) -> web.Response:
    """Make a thing. It is there at once.

    Its name is its own for ever.
    """
    return web.Response()


async def list_things(request: web.Request, parts: Any) -> web.Response:
    """Things, the newest first."""
    return web.Response()


OURS = "/kapis/things.orrery.io/v1/things"
ROUTES = (
    Route("POST", OURS, make_thing, body=Wish, answer=Thing, max_body=1000),
    Route("GET", OURS, list_things, questions=(Mine("spaces", of="workspaces"),), parameters=(("limit", "1 to 9"),)),
    Route("GET", OURS + "/stream", list_things, access=Access.SIGNED_IN, streams=True),
    Route("GET", OURS + r"/{thing:[a-z]{1,9}}/parts/{part}", list_things, answer=Thing),
    Route("POST", "/oauth/token", make_thing, access=Access.PUBLIC, body=Wish),
    Route("PATCH", "/apis/things.example.io/v1/things/{name}", make_thing, dialect=Dialect.KUBERNETES, body=Wish),
    Route("POST", "/apis/things.example.io/v1/things", make_thing, answer=Thing),
    Route("PATCH", "/kapis/things.example.io/v1/things/{name}", make_thing),
    Route("PATCH", "/kapis/things.example.io/v1/parts/{name}", make_thing, body=list[Part]),
    Route("POST", "/kapis/things.example.io/v1/parts", make_thing, body=list[Part], answer=list[Part]),
    Route("DELETE", OURS + "/{thing}", make_thing, body=Part, status=204),
    Route("POST", OURS + "/{thing}/start", make_thing, answer=Thing, status=202),
    Route("POST", "/internal/things/v1/reset", make_thing, access=Access.INTERNAL),
)


def operations(found: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_route_is_described_once() -> None:
    """Each method and path is there, each operation has a name of its own, its text and its path's parameters."""
    found = document("things", ROUTES)
    told = list(operations(found))
    assert {(m.upper(), p) for m, p, _ in told} == {(r.method, plain_path(r.path)) for r in ROUTES}
    assert len({operation["operationId"] for _, _, operation in told}) == len(ROUTES)
    for _, path, operation in told:
        assert operation["summary"] in ("Make a thing", "Things, the newest first")
        for parameter in operation["parameters"]:
            assert parameter["in"] != "path" or f"{{{parameter['name']}}}" in path
    assert (
        found["paths"][OURS + "/{thing}/parts/{part}"]["get"]["parameters"][0]["schema"]["pattern"]
        == "^(?:[a-z]{1,9})$"
    )


def test_references_lead_somewhere() -> None:
    """Every $ref is a component of the document, and it is JSON."""
    found = json.loads(json.dumps(document("things", ROUTES)))
    assert "#/components/schemas/things.Part" in set(references(found))
    for reference in references(found):
        _, components, sort, name = reference.split("/")
        assert name in found[components][sort], reference


def test_bodies_answers_and_errors() -> None:
    """What is taken and given by family: media types, statuses, the dialect of errors, credentials, the bound."""
    paths = document("things", ROUTES)["paths"]
    make = paths[OURS]["post"]
    assert make["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/things.Wish"}
    assert "1000 bytes" in make["requestBody"]["description"]
    assert make["responses"]["4XX"] == {"$ref": "#/components/responses/orrery"}
    assert make["security"] == [{"bearer": []}, {"basic": []}]
    assert paths[OURS]["get"]["parameters"][0]["name"] == "limit"
    assert paths[OURS]["get"]["x-orrery-questions"] == ["spaces"]
    assert "text/event-stream" in paths[OURS + "/stream"]["get"]["responses"]["200"]["content"]
    token = paths["/oauth/token"]["post"]
    assert list(token["requestBody"]["content"]) == ["application/x-www-form-urlencoded"]
    assert (token["security"], token["responses"]["4XX"]) == ([{}], {"$ref": "#/components/responses/oauth"})
    assert "201" in paths["/apis/things.example.io/v1/things"]["post"]["responses"]
    patches = paths["/apis/things.example.io/v1/things/{name}"]["patch"]["requestBody"]["content"]
    assert set(patches) == {"application/merge-patch+json", "application/json-patch+json"}
    assert (
        "application/merge-patch+json"
        in paths["/kapis/things.example.io/v1/things/{name}"]["patch"]["requestBody"]["content"]
    )


def test_patches() -> None:
    """A merge patch may leave out what the object needs, down to its parts; a JSON patch is a list of operations; a
    route of KubeSphere's takes the one that its body says, as JSON too.
    """
    found = document("things", ROUTES)
    both = found["paths"]["/apis/things.example.io/v1/things/{name}"]["patch"]["requestBody"]["content"]
    reference = {"$ref": "#/components/schemas/things.Wish.patch"}
    assert both["application/merge-patch+json"]["schema"] == reference
    schemas = found["components"]["schemas"]
    assert "required" not in schemas["things.Wish.patch"]
    assert "required" not in schemas["things.Part.patch"]
    assert (schemas["things.Wish"]["required"], schemas["things.Part"]["required"]) == (["name"], ["size"])
    operations = {"type": "array", "items": {"$ref": "#/components/schemas/things.PatchOperation"}}
    assert both["application/json-patch+json"]["schema"] == operations
    listed = found["paths"]["/kapis/things.example.io/v1/parts/{name}"]["patch"]["requestBody"]["content"]
    assert set(listed) == {"application/json-patch+json", "application/json"}


def test_lists_deletions_and_statuses() -> None:
    """Arrays are described as such; who deletes may send nothing; another status stands in place of the usual one."""
    paths = document("things", ROUTES)["paths"]
    array = {"type": "array", "items": {"$ref": "#/components/schemas/things.Part"}}
    made = paths["/kapis/things.example.io/v1/parts"]["post"]
    assert made["requestBody"]["content"]["application/json"]["schema"] == array
    assert made["responses"]["200"]["content"]["application/json"]["schema"] == array
    removed = paths[OURS + "/{thing}"]["delete"]
    assert removed["requestBody"]["required"] is False
    assert removed["responses"]["204"] == {"description": "Done."}
    started = paths[OURS + "/{thing}/start"]["post"]["responses"]
    assert ("202" in started, "200" in started) == (True, False)


def test_documents_merge_for_clients() -> None:
    """Internal routes stay out; each service keeps its own schemas; one operation told twice is refused."""
    other = Route("GET", "/kapis/others.orrery.io/v1/others", list_things, answer=Thing)
    whole = merged("Orrery", [document("things", ROUTES), document("others", (other,))])
    assert "/internal/things/v1/reset" not in whole["paths"]
    assert {"things.Thing", "others.Thing", "Status", "Problem"} <= whole["components"]["schemas"].keys()
    with pytest.raises(Conflict, match="described by two services"):
        merged("Orrery", [document("things", ROUTES), document("again", ROUTES[:1])])


def test_a_tester_can_read_it() -> None:
    """schemathesis finds every operation and makes no complaint."""
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(document("things", ROUTES))))
    refused = [found.err() for found in schema.get_all_operations() if isinstance(found, Err)]
    assert refused == []
    assert len(list(schema.get_all_operations())) == len(ROUTES)


def test_every_dialect_is_described() -> None:
    """No route refers to a description that is not there."""
    assert RESPONSES.keys() == {dialect.value for dialect in Dialect}
