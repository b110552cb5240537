"""Documents as canonical JSON, the same in every adapter: sorted keys, times in UTC at fixed width, secrets revealed.

Fixed width makes times compare as text, and sorted keys make equal documents equal text.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

import orjson
from pydantic import ValidationError

from libs.shared.errors import Broken, Invalid
from libs.shared.store.protocol import Document
from libs.shared.values import Secret

D = TypeVar("D", bound=Document)

_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL as JSON spells it, and not a backslash followed by `u0000`."""


def moment(value: datetime) -> str:
    """An aware time as it is stored: `2026-01-31T09:30:00.000000Z`. Raises `Invalid` for a time without a zone."""
    if value.tzinfo is None:
        raise Invalid("time-without-zone", f"{value} has no time zone; stored times are aware, in UTC")
    return value.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def encoded(document: Document) -> str:
    """Its canonical JSON. Raises `Invalid` for a value that JSON can't hold."""
    try:
        text = orjson.dumps(document.model_dump(round_trip=True), default=_plain, option=_OPTIONS).decode()
    except (TypeError, UnicodeDecodeError) as error:
        if isinstance(error.__cause__, Invalid):
            raise error.__cause__ from error
        raise _refused(document, "document-not-json", f"can't be kept as JSON: {error}") from error
    if "\\u0000" in text and _NUL.search(text):
        # databases end a text at its NUL: `bob` would be found for `bob\0eve`
        raise _refused(document, "text-with-nul", "holds a NUL character; text that is kept has none")
    return text


def decoded(kind: type[D], key: str, body: str) -> D:
    """The document of this JSON. Raises `Broken` when it is no such document: then a migration is missing."""
    try:
        return kind.model_validate_json(body, by_name=True, by_alias=False)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        text = (
            f"stored {kind.collection()}/{key} does not fit its model ({where}: {first['msg']}): a migration is missing"
        )
        raise Broken("document-unreadable", text, resource=kind.collection(), name=key) from error


def _refused(document: Document, slug: str, why: str) -> Invalid:
    name = document.collection()
    return Invalid(slug, f"{name}/{document.key} {why}", resource=name, name=document.key)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Secret):
        return value.reveal()  # the store is where it is kept; it stays out of everything that shows itself
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")
