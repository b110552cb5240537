"""The types of generated events whose JSON differs from Python's: as proto3's JSON mapping has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer

Int64 = Annotated[int, PlainSerializer(str, return_type=str, when_used="json")]
"""64-bit integers are strings in JSON."""


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _text(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Moment = Annotated[datetime, AfterValidator(_utc), PlainSerializer(_text, return_type=str, when_used="json")]
"""UTC, in JSON with microseconds at fixed width."""


class Value(BaseModel):
    """Part of an event."""

    model_config = ConfigDict(frozen=True, extra="ignore")
