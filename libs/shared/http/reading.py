"""Reading what a request carries: strictly for our own APIs, nearly as leniently as the original for KubeSphere's.

The texts of the lenient side are those of Go's encoding/json, as the original passes them on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from libs.shared.errors import Flaw, Invalid, Malformed, TooLarge, Unsupported
from libs.shared.http.route import MIB, Route
from libs.shared.objects.documents import read_json, refuse_repeated
from libs.shared.objects.pointers import DEEPEST, weigh

M = TypeVar("M", bound=BaseModel)
ROUTE = web.RequestKey("orrery.route", Route)
JSON_TYPES = frozenset({"application/json", "application/merge-patch+json", "application/json-patch+json"})
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 100
GO_WORDS = (
    ("Expecting property name", "looking for beginning of object key string"),
    ("Expecting ':'", "after object key"),
    ("Expecting ','", "after object key:value pair"),
    ("Extra data", "after top-level value"),
    ("Illegal trailing comma", "looking for beginning of value"),
    ("Invalid control character", "in string literal"),
    ("Invalid \\escape", "in string escape code"),
    ("Expecting value", "looking for beginning of value"),
)


UNREADABLE: Mapping[type[Exception], str] = {
    UnicodeDecodeError: "invalid UTF-8 in the body",
    RecursionError: "the body is nested too deeply",
}


async def raw_body(request: web.Request) -> bytes:
    """The body; raises `TooLarge` past the route's bound, before all of it has come. It may be read again."""
    route: Route | None = request.get(ROUTE)
    bound = route.max_body if route else MIB
    if (request.content_length or 0) > bound:
        raise too_large(bound)
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large(bound) from None


def too_large(bound: int) -> TooLarge:
    """The refusal of a body over this many bytes."""
    return TooLarge("body-too-large", f"the body is larger than the {bound} bytes that are accepted here")


async def strict(request: web.Request, model: type[M]) -> M:
    """The JSON body as this model, for our own APIs: no unknown or repeated field, no other media type.

    Raises `Unsupported`, `Malformed`, or `Invalid` with a flaw a field.
    """
    if request.content_type != "application/json":
        raise Unsupported("media-type", f"the body is {request.content_type}; accepted is application/json")
    value = read_json(await raw_body(request))
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Invalid("fields", _sentence(error), flaws=_flaws(error)) from None


def _flaws(error: ValidationError) -> tuple[Flaw, ...]:
    return tuple(
        Flaw(".".join(map(str, found["loc"])) or "body", found["msg"])
        for found in error.errors(include_input=False, include_url=False, include_context=False)
    )


def _sentence(error: ValidationError) -> str:
    return "; ".join(f"{flaw.field}: {flaw.text}" for flaw in _flaws(error))


async def lenient(request: web.Request) -> Any:
    """Any JSON of a KubeSphere route: unknown fields are the caller's business, size and depth are ours. A field that
    stands twice is refused: who looked at the body before us may have gone by the other one.

    Raises `Malformed` in the original's words.
    """
    media = request.content_type if request.headers.get("Content-Type") else ""
    if media not in JSON_TYPES:
        raise Malformed("media-type", f"[ServiceError:400] Unable to unmarshal content of type:{media}")
    raw = await raw_body(request)
    if not raw.strip():
        raise Malformed("json", "EOF")
    try:
        value = orjson.loads(raw)
    except ValueError:
        raise Malformed("json", go_words(raw)) from None
    try:
        weigh(value, deepest=DEEPEST)
    except TooLarge as fault:
        raise Malformed("json-too-deep", fault.text) from None
    refuse_repeated(raw)
    return value


async def lenient_object(request: web.Request) -> dict[str, Any]:
    """As `lenient`, for a body that is an object."""
    value = await lenient(request)
    if not isinstance(value, dict):
        kind = {list: "array", str: "string", bool: "bool"}.get(type(value), "number")
        raise Malformed("json", f"json: cannot unmarshal {kind} into Go value of type object")
    return value


def go_words(raw: bytes) -> str:
    """What Go's decoder says of this text, which is no JSON."""
    try:
        text = raw.decode()
        json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        return _worded(text, error)
    except _Constant as constant:
        return f"invalid character {quoted(str(constant).lstrip('-')[0])} looking for beginning of value"
    except (RecursionError, ValueError) as error:
        return UNREADABLE.get(type(error), "a number in the body is too long")
    return "the body is no JSON in UTF-8"


def _worded(text: str, error: json.JSONDecodeError) -> str:
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
        return "unexpected EOF"
    said = next((go for python, go in GO_WORDS if error.msg.startswith(python)), "looking for beginning of value")
    return f"invalid character {quoted(text[error.pos])} {said}"


class _Constant(ValueError):
    """NaN or Infinity, which Python reads and JSON doesn't have."""


def _no_constant(name: str) -> None:
    raise _Constant(name)


def quoted(character: str) -> str:
    """A character as Go quotes it."""
    return {"'": "'\\''", '"': "'\"'", "\n": "'\\n'", "\t": "'\\t'", "\r": "'\\r'"}.get(character, f"'{character}'")


async def form(request: web.Request) -> dict[str, str]:
    """The fields of a form body, the first of each name; raises `Unsupported` for another media type."""
    if request.content_type != FORM:
        raise Unsupported("media-type", "415: Unsupported Media Type")
    try:
        pairs = parse_qsl((await raw_body(request)).decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Malformed("form", f"the form is to be UTF-8 with at most {MOST_FIELDS} fields") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found
