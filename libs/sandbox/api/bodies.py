"""Bodies of requests: bounded, in JSON, YAML or protobuf, and always one object."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import orjson
from aiohttp import web

from libs.sandbox.api import protobuf, yamls
from libs.shared.errors import Invalid, Malformed, TooLarge, Unsupported
from libs.shared.objects.documents import refuse_repeated
from libs.shared.objects.pointers import weigh

LARGEST: Final = 3 << 20
"""Bytes: Kubernetes' bound."""
DEEPEST: Final = 128
"""Levels of nesting: schemas in CustomResourceDefinitions are deep."""
YAML: Final = ("application/yaml", "application/x-yaml", "text/yaml")
JSON: Final = ("application/json", "application/octet-stream", "")


async def raw(request: web.BaseRequest) -> bytes:
    """The bytes of the body; raises `TooLarge`."""
    parts, size = [], 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > LARGEST:
            raise TooLarge("body-too-large", f"limit is {LARGEST}: the request body is larger")
        parts.append(chunk)
    return b"".join(parts)


async def read(request: web.BaseRequest) -> dict[str, Any]:
    """The object in the body; raises `Malformed`, `TooLarge`, `Unsupported`."""
    body = await raw(request)
    media = request.content_type if "Content-Type" in request.headers else ""
    strict = request.query.get("fieldValidation") == "Strict"
    if media == protobuf.MEDIA:
        return protobuf.read(body)
    if media in YAML:
        return whole(await from_yaml(body))
    if media in JSON:
        return whole(from_json(body, strict=strict))
    raise Unsupported(
        "media-type-unsupported",
        "the body of the request was in an unknown format - accepted media types include: application/json, "
        f"application/yaml, {protobuf.MEDIA}",
    )


def from_json(body: bytes, *, strict: bool = False) -> Any:
    """A JSON value; `strict` refuses members that stand twice."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed("json-unreadable", f"the body is no JSON in UTF-8 at character {error.pos}") from None
    weigh(found, deepest=DEEPEST)
    if strict:
        refuse_repeated(body)
    return found


async def from_yaml(body: bytes) -> Any:
    """A YAML value of JSON's types; see `yamls.read`."""
    if body.lstrip()[:1] == b"{":
        return from_json(body)
    found = await asyncio.to_thread(yamls.read, body)
    weigh(found, deepest=DEEPEST)
    return from_json(_again(found))


def _again(found: Any) -> bytes:
    try:
        return orjson.dumps(found)
    except TypeError:
        raise Malformed("yaml-unreadable", "the body holds a value that JSON does not know") from None


def whole(found: Any) -> dict[str, Any]:
    """An object with `metadata` of the right types; raises `Malformed`."""
    if not isinstance(found, dict):
        raise Malformed("body-no-object", "the body has to be one object")
    if not isinstance(found.get("kind", ""), str) or not isinstance(found.get("apiVersion", ""), str):
        raise Malformed("body-no-object", "apiVersion and kind have to be texts")
    metadata = found.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise Malformed("body-no-object", "metadata has to be an object")
    return found


def options(found: dict[str, Any], kind: str) -> dict[str, Any]:
    """Options as a body; raises `Invalid` when it is something else."""
    if found and found.get("kind", kind) != kind:
        raise Invalid("options-unknown", f"the body of this request is {kind}, not {found['kind'][:60]}")
    return found
