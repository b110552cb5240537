"""Conformance: changes of watched documents, in order and without a gap, or `Gone`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from libs.shared.errors import Gone, Invalid
from libs.shared.store.protocol import Change, Store
from libs.shared.testing.clock import VirtualClock, settle
from libs.shared.testing.store_kinds import KEPT, Account, Again, Room
from libs.shared.testing.store_stamps import drop, put
from libs.shared.testing.store_units import add, grow


async def gather(changes: AsyncIterator[Sequence[Change]], count: int) -> list[Change]:
    """The next so many changes."""
    found: list[Change] = []
    async for batch in changes:
        found += batch
        if len(found) >= count:
            break
    return found


def told(change: Change) -> tuple[str, int | None, int | None]:
    """A change in brief: key, size before, size after."""
    sizes = [one.size if isinstance(one, Room) else None for one in (change.before, change.after)]
    return change.key, sizes[0], sizes[1]


class WatchConformance:
    """Watching."""

    async def test_tells_every_change(self, store: Store) -> None:
        """Making, changing and removing come as before and after, with revisions that rise, and nothing of others."""
        changes = store.changes(await store.revision(), (Room,))
        await store.transact(put, Room(name="hall"))
        await store.transact(add, Account(name="bob"))
        await store.transact(grow, "hall")
        await store.transact(drop, "hall")
        found = await gather(changes, 3)
        assert [told(change) for change in found] == [("hall", None, 0), ("hall", 0, 1), ("hall", 1, None)]
        revisions = [change.revision for change in found]
        assert revisions == sorted(set(revisions))
        assert found[1].after is not None
        assert found[1].after.stamp.revision == revisions[1]
        assert found[1].before is not None
        assert found[1].before.stamp.version == found[1].after.stamp.version - 1

    async def test_waits_for_what_comes(self, store: Store, clock: VirtualClock) -> None:
        """A watch that has caught up marks time with empty batches, and hands over a new change at once."""
        changes = store.changes(await store.revision(), (Room,))
        assert await anext(changes) == []
        mark = asyncio.ensure_future(anext(changes))
        await settle()
        assert not mark.done()
        await clock.advance(1)
        assert await mark == []
        coming = asyncio.ensure_future(anext(changes))
        await settle()
        await store.transact(put, Room(name="hall"))
        assert [told(change) for change in await coming] == [("hall", None, 0)]

    async def test_from_a_snapshot_nothing_is_missed(self, store: Store) -> None:
        """Snapshot, then changes after its revision: together they are the collection, whatever happens between."""
        writing = asyncio.gather(*(store.transact(put, Room(name=f"r{i}")) for i in range(20)))
        revision, rooms = await store.snapshot(Room)
        await writing
        known = {room.name for room in rooms}
        if len(known) < 20:
            later = await gather(store.changes(revision, (Room,)), 20 - len(known))
            assert not known & {change.key for change in later}
            known |= {change.key for change in later}
        assert len(known) == 20

    async def test_what_is_too_old_is_gone(self, store: Store) -> None:
        """A revision before the kept changes raises Gone; one within them goes on; so does a reader left behind."""
        start = await store.revision()
        slow = store.changes(start, (Room,))
        await anext(slow)
        for i in range(KEPT + 5):
            await store.transact(put, Room(name=f"r{i}"))
        with pytest.raises(Gone):
            await anext(store.changes(start, (Room,)))
        with pytest.raises(Gone):
            await anext(slow)
        last = await store.revision()
        found = await gather(store.changes(last - 3, (Room,)), 3)
        assert [change.key for change in found] == [f"r{KEPT + 2}", f"r{KEPT + 3}", f"r{KEPT + 4}"]

    async def test_a_watch_goes_on_after_a_restart(self, store: Store, again: Again) -> None:
        """Either the changes since the revision, or Gone: never silence about what was missed."""
        await store.transact(put, Room(name="a"))
        revision = await store.revision()
        await store.transact(put, Room(name="b"))
        store = await again()
        try:
            found = await gather(store.changes(revision, (Room,)), 1)
        except Gone:
            return
        assert [change.key for change in found] == ["b"]

    async def test_a_future_revision_waits(self, store: Store) -> None:
        """A revision that is not reached yet tells nothing old."""
        await store.transact(put, Room(name="a"))
        assert await anext(store.changes(await store.revision() + 100, (Room,))) == []

    async def test_only_watched_kinds(self, store: Store) -> None:
        """Asking for the changes of a kind that is not WATCHED is refused."""
        with pytest.raises(Invalid, match="WATCHED"):
            store.changes(0, (Account,))
