"""JSON text read strictly: what two readers could understand differently isn't read at all."""

from __future__ import annotations

import json
from typing import Any

import orjson

from libs.shared.errors import Malformed, TooLarge
from libs.shared.objects.pointers import DEEPEST, weigh


class _Repeated(ValueError):
    """A member twice in one object."""


def read_json(raw: bytes, *, deepest: int = DEEPEST) -> Any:
    """The value of this JSON text (RFC 8259), UTF-8.

    Raises `Malformed` for anything else, for a member that stands twice in one object, for lone surrogates, for NaN
    and its like, and for nesting deeper than `deepest`.
    """
    try:
        value = orjson.loads(raw)
    except ValueError as error:
        # the place only, never the text: it may hold a password
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise Malformed("json-unreadable", f"the body is no JSON in UTF-8{place}") from None
    try:
        weigh(value, deepest=deepest)
    except TooLarge as fault:
        raise Malformed("json-too-deep", fault.text) from None
    refuse_repeated(raw)
    return value


def refuse_repeated(raw: bytes) -> None:
    """Raise `Malformed` where a member stands twice in one object of this text, which is JSON and not too deep."""
    try:
        json.loads(raw, object_pairs_hook=_unique)
    except _Repeated as repeated:
        raise Malformed("json-duplicate-field", f'json: duplicate field "{repeated}"') from None


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        seen: set[str] = set()
        for key, _ in members:
            if key in seen:
                raise _Repeated(key[:80])
            seen.add(key)
    return found
