"""What a bus is: publish a batch, listen as a group, listen as a tail, read from a position.

A group handles each event once a service, however many copies of it run: reactions. A tail sees every event in every
copy and acknowledges nothing: read models, streams. One channel is one bus: `events` and `records` are two.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Flag, auto
from typing import Final, Protocol

from libs.shared.event import Envelope

RETENTION: Final = timedelta(days=7)
"""How long messages are kept unless an adapter is told otherwise; a consumer's inbox has to outlive it."""


class Feature(Flag):
    """What an adapter can do beyond the protocol; the conformance suite tests what is declared."""

    NONE = 0
    REPLAY_FROM_TIME = auto()
    DEDUPLICATES = auto()
    """Publishing the same id twice within the adapter's window keeps one."""
    TOTAL_ORDER = auto()
    """One order over all subjects, not only within each."""
    MANY_PROCESSES = auto()


@dataclass(frozen=True, slots=True)
class Message:
    """An event at its position. Positions are opaque text that sorts only within one bus; `sent` is the bus's time."""

    position: str
    envelope: Envelope
    sent: datetime


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Bytes at a position that are no envelope; a consumer parks them."""

    position: str
    raw: bytes
    reason: str
    sent: datetime


class Delivery(Protocol):
    """One message handed to a group, until it is acknowledged or its time runs out."""

    @property
    def message(self) -> Message | Unreadable:
        """What was delivered."""
        ...

    @property
    def attempt(self) -> int:
        """From 1."""
        ...

    async def ack(self) -> None:
        """Handled: never deliver it to this group again."""
        ...

    async def nak(self, delay: float) -> None:
        """Not handled: deliver again after `delay` seconds; what follows on its subject waits behind it."""
        ...

    async def working(self) -> None:
        """Still at it: start the time for an acknowledgement anew."""
        ...


class Group(Protocol):
    """A durable subscription shared by all copies of a service. Order holds within a subject: while one message of a
    subject is unacknowledged, later ones of that subject are not delivered.
    """

    async def fetch(self, limit: int, wait: float) -> Sequence[Delivery]:
        """Up to `limit` deliveries; waits up to `wait` seconds for the first."""
        ...

    async def lag(self) -> tuple[int, datetime | None]:
        """How many are not acknowledged, and the time of the oldest."""
        ...

    async def lost(self) -> int:
        """How many messages retention removed before this group had them, ever. Never silent: count and log it."""
        ...


@dataclass(frozen=True, slots=True)
class Beat:
    """That a source's relay is alive and has told everything that it had at `at`. Never stored, never replayed."""

    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Messages after a position; `next` is where to go on, `end` whether the log's end was reached."""

    messages: Sequence[Message | Unreadable]
    next: str
    end: bool


START = ""
"""Before the first message that is kept."""
NOW = "now"
"""After the last message: only what comes."""


class Bus(Protocol):
    """One channel."""

    @property
    def features(self) -> Feature:
        """What it can do beyond this protocol."""
        ...

    async def publish(self, batch: Sequence[Envelope]) -> Sequence[str]:
        """Append in order; returns the positions once durable. Raises `TooLarge` naming an envelope over the bus's
        limit (nothing of the batch is then kept) and `Busy` when the bus can't take it now.
        """
        ...

    async def beat(self, source: str, at: datetime) -> None:
        """Tell every tail that this source is alive and had told everything by `at`, which the relay knows."""
        ...

    def group(self, name: str, types: Sequence[str], *, start: str = START) -> AbstractAsyncContextManager[Group]:
        """Join a durable group for these full types (`*` at the end matches the rest). `start` counts only when the
        group is new.
        """
        ...

    def tail(
        self, types: Sequence[str], *, after: str | datetime = NOW
    ) -> AsyncGenerator[Sequence[Message | Unreadable | Beat], None]:
        """Batches after a position or from a moment (inclusive), then what comes, for ever. Raises `Gone` when the
        position is older than what is kept. The subscription stands once the first batch has been handed out, which
        may be empty; a reader that falls behind a bound gets `Busy` and is to open again from its last position.
        Close it (`contextlib.aclosing`) when done.
        """
        ...

    async def read(self, after: str | datetime, types: Sequence[str], limit: int) -> Page:
        """One page, without waiting; raises `Gone` as `tail` does. It may hold fewer than `limit` messages, or none,
        before the log's end: go on from `next` until `end`.
        """
        ...

    async def end(self) -> str:
        """The position of the last message, or START."""
        ...

    async def ready(self) -> None:
        """Return when it can publish; raises `Broken` with the reason when it can't."""
        ...

    async def close(self) -> None:
        """End every subscription, then let go of files and connections."""
        ...
