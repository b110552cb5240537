"""Clock, ids, secrets: the values that tests replace."""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue


class Clock(Protocol):
    """Time as a collaborator. Calling it gives an aware UTC `datetime`."""

    def __call__(self) -> datetime:
        """Now."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow, from an unspecified start."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a virtual clock returns when the test has advanced it."""
        ...


class SystemClock:
    """The machine's clock."""

    def __call__(self) -> datetime:
        """Now."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an unspecified start."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait, really."""
        await asyncio.sleep(seconds)


Ids = Callable[[], str]
"""Gives a new unique id at each call."""


def time_ordered_id() -> str:
    """A UUID version 7 (RFC 9562): sorts by the millisecond of its making."""
    return _version_7(int.from_bytes(os.urandom(10), "big"))


class TimeOrderedIds:
    """The same, for a program that makes many: the system is asked for randomness once in some hundred ids, since a
    thread that asks gives up the interpreter lock and may have to wait for it.
    """

    __slots__ = ("_noise", "_used")

    def __init__(self) -> None:
        self._noise = b""
        self._used = 0

    def __call__(self) -> str:
        """A new id."""
        begin, end = self._used, self._used + _NOISE
        if end > len(self._noise):
            self._noise, begin, end = os.urandom(_NOISE * 400), 0, _NOISE
        self._used = end
        return _version_7(int.from_bytes(self._noise[begin:end], "big"))


_NOISE = 10
"""Random bytes in an id."""


def _version_7(noise: int) -> str:
    high = (time.time_ns() // 1_000_000 & ((1 << 48) - 1)) << 16 | 0x7000 | noise >> 68 & 0xFFF
    text = f"{high:016x}{0b10 << 62 | noise & ((1 << 62) - 1):016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Secret:
    """Text that never shows itself: not in `repr`, `str`, JSON or logs. `reveal()` is the one way out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself; call it where it is used, never where it is passed on."""
        return self._value

    def same(self, other: str) -> bool:
        """Whether the other text is equal, in constant time."""
        return hmac.compare_digest(self._value.encode(), other.encode())

    def __repr__(self) -> str:
        return "Secret('***')" if self._value else "Secret('')"

    def __str__(self) -> str:
        return "***" if self._value else ""

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.same(other._value)

    def __hash__(self) -> int:
        return hash(self._value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls(str(value)),
            serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        del schema, handler
        return {"type": "string", "format": "password"}
