"""The conformance suite of a bus: a test module subclasses `BusConformance`, `GroupConformance` and `TailConformance`
and gives a fixture `rig` for its adapter.

The embedded adapter is held to it as it stands; another adapter (NATS, Kafka) is held to it unchanged. What an
adapter does not declare in `features` is not asked of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from libs.shared.bus.protocol import START, Beat, Bus, Delivery, Feature, Group, Message, Unreadable
from libs.shared.errors import Broken, Gone, Invalid, TooLarge
from libs.shared.event import Envelope

CREATED = "orrery.accounts.v1.UserCreated"
DISABLED = "orrery.accounts.v1.UserDisabled"
ALL = ("orrery.*",)
Item = Message | Unreadable | Beat
WAIT = 2.0
"""Seconds, of the rig's clock, that a fetch waits for what is there already."""


class Rig(Protocol):
    """How the suite handles one adapter. Buses are opened with `ack_wait` 30 s, `max_message` 64 KiB."""

    bus: Bus

    async def reopen(self) -> Bus:
        """Close the bus and open it on the same log."""
        ...

    async def pass_time(self, seconds: float) -> None:
        """Let time pass on the bus's clock."""
        ...

    async def inject(self, raw: bytes) -> None:
        """Put bytes into the log as a broken publisher would, of no type."""
        ...

    async def forget(self) -> None:
        """Let retention remove everything that was published so far."""
        ...


def envelope(n: int, *, subject: str = "users/bob", kind: str = CREATED, data: str = "{}") -> Envelope:
    """An event whose id is told by its number."""
    at = datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=n)
    return Envelope(f"event-{n}", kind, "/accounts", subject, at, data, sequence=n)


def ids(things: Sequence[Item | Delivery]) -> list[str]:
    """The ids of the envelopes among them."""
    messages = (getattr(thing, "message", thing) for thing in things)
    return [message.envelope.id for message in messages if isinstance(message, Message)]


async def drained(group: Group, rounds: int = 20) -> list[str]:
    """Fetch and acknowledge until nothing more comes; the ids in order."""
    got: list[str] = []
    for _ in range(rounds):
        deliveries = await group.fetch(100, 0)
        if not deliveries:
            return got
        got += ids(deliveries)
        for delivery in deliveries:
            await delivery.ack()
    return got


async def gathered(tail: AsyncIterator[Sequence[Item]], count: int) -> list[Item]:
    """Read on until so many items came."""
    items: list[Item] = []
    while len(items) < count:
        items += await asyncio.wait_for(anext(tail), 10)
    return items


class BusConformance:
    """What every bus does."""

    async def test_publish_gives_growing_positions(self, rig: Rig) -> None:
        """Positions sort in the order of publishing, and the end is the last."""
        first = await rig.bus.publish([envelope(1), envelope(2)])
        second = await rig.bus.publish([envelope(3)])
        positions = [*first, *second]
        assert positions == sorted(set(positions))
        assert len(positions) == 3
        assert await rig.bus.end() == positions[-1]

    async def test_an_empty_batch_is_nothing(self, rig: Rig) -> None:
        """Publishing nothing gives nothing and moves nothing."""
        assert list(await rig.bus.publish([])) == []
        assert await rig.bus.end() == START

    async def test_what_is_read_is_what_was_published(self, rig: Rig) -> None:
        """Every field comes back as it was, text beyond ASCII and zero bytes of JSON included."""
        whole = replace(
            envelope(1, subject="users/zoë", data='{"note":"naïve \\u0000 ☃","n":"9007199254740993"}'),
            version=7,
            workspace="ws1",
            actor="admin",
            correlationid="c",
            causationid="d",
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        await rig.bus.publish([whole])
        page = await rig.bus.read(START, ALL, 10)
        assert [m.envelope for m in page.messages if isinstance(m, Message)] == [whole]
        assert page.end

    async def test_too_large_is_refused_whole(self, rig: Rig) -> None:
        """A batch with one envelope over the limit is refused naming it, and nothing of it is kept."""
        with pytest.raises(TooLarge) as refusal:
            await rig.bus.publish([envelope(1), envelope(2, data=f'"{"x" * 70_000}"')])
        assert refusal.value.name == "event-2"
        assert (await rig.bus.read(START, ALL, 10)).messages == []

    async def test_the_same_id_is_kept_once(self, rig: Rig) -> None:
        """Publishing an id again, in the same batch, later or after reopening, keeps one and gives its position."""
        if Feature.DEDUPLICATES not in rig.bus.features:
            pytest.skip("the adapter does not declare DEDUPLICATES")
        first = await rig.bus.publish([envelope(1), envelope(1), envelope(2)])
        assert first[0] == first[1]
        again = await rig.bus.publish([envelope(2), envelope(3)])
        assert again[0] == first[2]
        bus = await rig.reopen()
        assert list(await bus.publish([envelope(3)])) == [again[1]]
        assert ids((await bus.read(START, ALL, 10)).messages) == ["event-1", "event-2", "event-3"]

    async def test_pages_follow_one_another(self, rig: Rig) -> None:
        """Reading on from `next` gives every message once, and `end` only at the end."""
        await rig.bus.publish([envelope(n) for n in range(1, 8)])
        got, after, pages = [], START, 0
        while pages < 20:
            page = await rig.bus.read(after, ALL, 3)
            got += ids(page.messages)
            after, pages = page.next, pages + 1
            if page.end:
                break
        assert got == [f"event-{n}" for n in range(1, 8)]
        assert (await rig.bus.read(after, ALL, 3)).messages == []

    async def test_types_choose(self, rig: Rig) -> None:
        """A full type matches itself alone, a `*` at the end the rest; a `*` elsewhere is refused."""
        await rig.bus.publish([envelope(1), envelope(2, kind=DISABLED), envelope(3, kind="orrery.gateway.v1.Seen")])
        assert ids((await rig.bus.read(START, [DISABLED], 10)).messages) == ["event-2"]
        assert ids((await rig.bus.read(START, ["orrery.accounts.*"], 10)).messages) == ["event-1", "event-2"]
        with pytest.raises(Invalid):
            await rig.bus.read(START, ["orrery.*.UserCreated"], 10)

    async def test_reading_from_a_moment(self, rig: Rig) -> None:
        """A moment gives what was sent then and later."""
        if Feature.REPLAY_FROM_TIME not in rig.bus.features:
            pytest.skip("the adapter does not declare REPLAY_FROM_TIME")
        for n in range(1, 6):
            await rig.bus.publish([envelope(n)])
            await rig.pass_time(10)
        whole = (await rig.bus.read(START, ALL, 10)).messages
        assert ids((await rig.bus.read(whole[2].sent, ALL, 10)).messages) == ["event-3", "event-4", "event-5"]
        later = whole[2].sent + timedelta(microseconds=1)
        assert ids((await rig.bus.read(later, ALL, 10)).messages) == ["event-4", "event-5"]
        assert ids((await rig.bus.read(whole[0].sent - timedelta(days=1), ALL, 10)).messages) == ids(whole)

    async def test_a_position_of_nowhere(self, rig: Rig) -> None:
        """Text that is no position is refused; one beyond the log's end is gone."""
        await rig.bus.publish([envelope(1)])
        with pytest.raises(Invalid):
            await rig.bus.read("yesterday", ALL, 10)

    async def test_what_retention_removed_is_gone(self, rig: Rig) -> None:
        """A position older than what is kept raises `Gone`, for pages and tails; the start is what is kept."""
        positions = await rig.bus.publish([envelope(1), envelope(2)])
        await rig.forget()
        await rig.bus.publish([envelope(3)])
        with pytest.raises(Gone):
            await rig.bus.read(positions[0], ALL, 10)
        with pytest.raises(Gone):
            await anext(rig.bus.tail(ALL, after=positions[0]))
        assert ids((await rig.bus.read(START, ALL, 10)).messages) == ["event-3"]

    async def test_foreign_bytes_are_unreadable(self, rig: Rig) -> None:
        """Bytes that are no envelope come as `Unreadable` with the bytes and why, and stop nobody."""
        await rig.bus.publish([envelope(1)])
        await rig.inject(b"\xff\xfe not json")
        await rig.inject(b'{"id": 5}')
        await rig.bus.publish([envelope(2)])
        messages = (await rig.bus.read(START, ALL, 10)).messages
        foreign = [message for message in messages if isinstance(message, Unreadable)]
        assert ids(messages) == ["event-1", "event-2"]
        assert [message.raw for message in foreign] == [b"\xff\xfe not json", b'{"id": 5}']
        assert all(message.reason for message in foreign)

    async def test_a_closed_bus_says_so(self, rig: Rig) -> None:
        """After close, publishing and reading raise `Broken`; closing twice is nothing."""
        await rig.bus.close()
        await rig.bus.close()
        with pytest.raises(Broken):
            await rig.bus.publish([envelope(1)])
        with pytest.raises(Broken):
            await rig.bus.ready()

    async def test_ready_when_it_can_publish(self, rig: Rig) -> None:
        """An open bus is ready."""
        await rig.bus.ready()
