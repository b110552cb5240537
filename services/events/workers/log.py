"""Mirroring the bus into the log, and the log into the streams of this process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from libs.shared.bus.protocol import Beat, Message, Unreadable
from libs.shared.errors import Busy, Gone
from services.events.commands import log as commands
from services.events.parts import Parts
from services.events.queries import log as queries

EVERYTHING = ("*",)
CHUNK = 500
BREATH = 0.05
"""Seconds before a tail that fell behind is opened again, and between two batches that are swept."""


async def mirror(parts: Parts) -> None:
    """Read the bus from where the log has it up to, for ever."""
    while True:
        after = (await queries.log_cursor(parts.store)).bus
        try:
            async for batch in parts.bus.tail(EVERYTHING, after=after):
                await keep(batch, parts)
        except Gone:
            parts.journal.gap(await parts.store.transact(commands.note_gap))
        except Busy:
            await parts.clock.sleep(BREATH)


async def keep(batch: Sequence[Message | Unreadable | Beat], parts: Parts) -> None:
    """Add a batch to the log, a bounded number in a unit, and wake the pump."""
    told = [item for item in batch if not isinstance(item, Beat)]
    for start in range(0, len(told), CHUNK):
        chunk = told[start : start + CHUNK]
        messages = [item for item in chunk if isinstance(item, Message)]
        for item in chunk:
            if isinstance(item, Unreadable):
                parts.journal.unreadable(item)
        added = await parts.store.transact(commands.append_entries, messages, bus=chunk[-1].position)
        parts.journal.added(added)
        parts.feed.bell.ring()
        parts.desk.bells.ring(frozenset(message.envelope.name for message in messages))


async def pump(parts: Parts) -> None:
    """Hand new entries to this process's streams, at once when the mirror is here, by polling when it is elsewhere."""
    while True:
        if parts.feed.followed:
            entries = await queries.next_entries(parts.store, parts.feed.position, CHUNK)
            if entries:
                if entries[0].position > parts.feed.position + 1:  # swept away before they came here
                    parts.feed.skip(entries[0].position - 1)
                parts.feed.publish(entries)
                continue
        else:
            head = (await queries.log_cursor(parts.store)).position
            if not parts.feed.followed:
                parts.feed.skip(head)
        await parts.feed.bell.wait(parts.settings.poll)


async def sweep(parts: Parts) -> None:
    """Forget what is older, or more, than is to be kept."""
    while True:
        while await sweep_some(parts) == CHUNK:
            await parts.clock.sleep(BREATH)
        await parts.clock.sleep(parts.settings.sweep_seconds)


async def sweep_some(parts: Parts) -> int:
    """A bounded number, the oldest first; how many."""
    days, most = parts.settings.keep_days, parts.settings.keep_entries
    before = parts.clock() - timedelta(days=days) if days else None
    entries = await queries.overdue(parts.store, before, most, CHUNK)
    if entries:
        await parts.store.transact(commands.drop_entries, entries)
        parts.journal.swept(len(entries))
    return len(entries)


async def beat(parts: Parts) -> None:
    """Have streams say that they are alive, so that nobody between takes them for dead."""
    while True:
        await parts.clock.sleep(parts.settings.heartbeat)
        parts.feed.beat()
