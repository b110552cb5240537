"""An envelope as bytes: one JSON object of its fields, for a log, a parked message or a mirror.

`data` stays the text that it is, so that what a publisher signed or hashed comes back byte for byte.
"""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from libs.shared.errors import Malformed
from libs.shared.event import Envelope

_TEXTS = ("id", "type", "source", "subject", "data")
_OPTIONAL_TEXTS = ("workspace", "actor", "correlationid", "causationid", "traceparent")


def encoded(envelope: Envelope) -> bytes:
    """The envelope as UTF-8 JSON; what is empty is left out. Raises `Malformed` for text that UTF-8 can't hold."""
    fields: dict[str, object] = {
        "id": envelope.id,
        "type": envelope.type,
        "source": envelope.source,
        "subject": envelope.subject,
        "time": envelope.time.astimezone(UTC).isoformat(timespec="microseconds"),
        "data": envelope.data,
    }
    if envelope.sequence:
        fields["sequence"] = envelope.sequence
    if envelope.version:
        fields["version"] = envelope.version
    for name in _OPTIONAL_TEXTS:
        if text := getattr(envelope, name):
            fields[name] = text
    try:
        return orjson.dumps(fields)
    except orjson.JSONEncodeError as error:
        raise Malformed("envelope", f"event {envelope.id!r} holds text that is no UTF-8", name=envelope.id) from error


def decoded(raw: bytes) -> Envelope:
    """The envelope of such bytes; raises `Malformed` saying what is wrong with them. Unknown fields are ignored."""
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Malformed("envelope", f"no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise Malformed("envelope", "an envelope is a JSON object")
    texts = {name: _text(fields, name) for name in _TEXTS}
    texts |= {name: _text(fields, name) for name in _OPTIONAL_TEXTS if name in fields}
    numbers = {name: _number(fields, name) for name in ("sequence", "version")}
    return Envelope(time=_time(fields), **texts, **numbers)  # type: ignore[arg-type]  # two dicts of two types


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise Malformed("envelope", f"field {name} is text")
    return value


def _number(fields: dict[str, object], name: str) -> int:
    value = fields.get(name, 0)
    if not isinstance(value, int) or value < 0:
        raise Malformed("envelope", f"field {name} is a whole number from 0")
    return value


def _time(fields: dict[str, object]) -> datetime:
    try:
        value = datetime.fromisoformat(_text(fields, "time"))
    except ValueError as error:
        raise Malformed("envelope", "field time is an RFC 3339 time") from error
    if value.tzinfo is None:
        raise Malformed("envelope", "field time has a zone")
    return value.astimezone(UTC)
