"""Conformance: versions and revisions, on which resource versions, read models and fences rest."""

from __future__ import annotations

import asyncio

from libs.shared.errors import Conflict
from libs.shared.store.protocol import Find, Store, Unit
from libs.shared.testing.store_kinds import Account, Again, Meeting, Noted, Room
from libs.shared.testing.store_units import grow


async def put(unit: Unit, room: Room) -> Room:
    """Put this room, and answer with the very object that was given."""
    await unit.of(Room).put(room)
    return room


async def drop(unit: Unit, name: str) -> Room:
    """Drop a room and tell of it; answers with the room as it was."""
    room = await unit.of(Room).get(name)
    await unit.of(Room).drop(name)
    unit.emit(Noted(text="dropped"), subject=f"rooms/{name}", about=room)
    return room


class StampConformance:
    """Stamps."""

    async def test_stamps_are_filled_at_commit(self, store: Store) -> None:
        """What a unit put carries its stamp once committed, the same as a reader sees, whichever object was kept."""
        mine = await store.transact(put, Room(name="hall"))
        read = await store.of(Room).get("hall")
        assert mine.stamp == read.stamp
        assert mine.stamp.revision == await store.revision() > 0
        grown = await store.transact(grow, "hall")
        assert grown.stamp.version == mine.stamp.version + 1
        assert grown.stamp.revision > mine.stamp.revision

    async def test_an_event_carries_the_version_to_come(self, store: Store) -> None:
        """Right after put, `version` is already that of the committed document; an event about it travels with it."""

        async def work(unit: Unit) -> tuple[int, Room]:
            room = await unit.of(Room).put(Room(name="hall"))
            unit.emit(Noted(), subject="rooms/hall", about=room)
            return room.stamp.version, room

        early, room = await store.transact(work)
        assert early == room.stamp.version == (await store.of(Room).get("hall")).stamp.version
        assert [row.envelope.version for row in await store.outbox.waiting(10)] == [early]

    async def test_a_removal_is_newer_than_what_it_removes(self, store: Store) -> None:
        """The event of a removal has a version above the document's last and below that of the one made anew."""
        hall = await store.transact(put, Room(name="hall"))
        await store.transact(drop, "hall")
        anew = await store.transact(put, Room(name="hall"))
        (row,) = await store.outbox.waiting(10)
        assert hall.stamp.version < row.envelope.version < anew.stamp.version

    async def test_a_version_never_falls(self, store: Store, again: Again) -> None:
        """Over writes, removal, making anew and a restart, each version of a key is above all before it."""
        versions: list[int] = []
        for _ in range(3):
            versions.append((await store.transact(put, Room(name="hall"))).stamp.version)
            versions += [(await store.transact(grow, "hall")).stamp.version for _ in range(3)]
            await store.transact(drop, "hall")
            store = await again()
        assert versions == sorted(set(versions))

    async def test_a_version_never_falls_under_a_slow_unit(self, store: Store) -> None:
        """A unit that saw the key absent, and commits after it came and went, still makes a higher version."""
        versions: list[int] = []
        slow = True

        async def make_slowly(unit: Unit) -> Room:
            nonlocal slow
            assert await unit.of(Room).look("hall") is None
            room = await unit.of(Room).put(Room(name="hall"))
            if slow:
                slow = False
                versions.append((await store.transact(put, Room(name="hall"))).stamp.version)
                versions.append((await store.transact(grow, "hall")).stamp.version)
                await store.transact(drop, "hall")
            return room

        versions.append((await store.transact(make_slowly)).stamp.version)
        assert versions == sorted(set(versions))

    async def test_two_writes_never_share_a_revision(self, store: Store) -> None:
        """However units are grouped, a document's revision rises with each of its writes."""
        await store.transact(put, Room(name="hall"))
        rooms = await asyncio.gather(*(store.transact(grow, "hall") for _ in range(20)))
        assert len({room.stamp.revision for room in rooms}) == 20
        by_version = sorted((room.stamp.version, room.stamp.revision) for room in rooms)
        assert by_version == sorted(by_version, key=lambda stamp: stamp[1])

    async def test_a_failed_run_leaves_no_stamp(self, store: Store) -> None:
        """A document given to a work that is run again, or fails, has the stamp that it came with."""
        room, meeting = Room(name="hall"), Meeting(2)

        async def make(unit: Unit, room: Room) -> Room:
            await unit.of(Room).look("other")
            await meeting.join()
            await unit.of(Room).put(Room(name="other"))
            return await unit.of(Room).put(room)

        async def fail(unit: Unit, room: Room) -> None:
            await unit.of(Room).put(room)
            raise Conflict("no", "no")

        first, second = await asyncio.gather(store.transact(make, room), store.transact(make, Room(name="hut")))
        assert first.stamp == (await store.of(Room).get("hall")).stamp
        assert second.stamp == (await store.of(Room).get("hut")).stamp
        lone = Room(name="lone")
        await asyncio.gather(store.transact(fail, lone), return_exceptions=True)
        assert (lone.stamp.version, lone.stamp.revision) == (0, 0)

    async def test_a_copy_keeps_its_originals_stamp(self, store: Store) -> None:
        """Putting a changed copy stamps the copy; the document that was read keeps what it was read with."""

        async def work(unit: Unit) -> tuple[Room, Room]:
            before = await unit.of(Room).get("hall")
            after = await unit.of(Room).put(before.model_copy(update={"size": 9}))
            return before, after

        await store.transact(put, Room(name="hall"))
        before, after = await store.transact(work)
        assert after.stamp.version == before.stamp.version + 1
        assert after.stamp.revision > before.stamp.revision

    async def test_made_and_dropped_within_a_unit(self, store: Store) -> None:
        """What comes and goes within a unit leaves nothing; dropped and put again is one write."""

        async def fleeting(unit: Unit) -> None:
            await unit.of(Room).add(Room(name="hall"))
            await unit.of(Room).drop("hall")

        async def renewed(unit: Unit) -> Room:
            await unit.of(Room).drop("hut")
            return await unit.of(Room).add(Room(name="hut", size=2))

        await store.transact(fleeting)
        hut = await store.transact(put, Room(name="hut"))
        new = await store.transact(renewed)
        assert await store.of(Room).look("hall") is None
        assert new.stamp.version == hut.stamp.version + 1
        assert (await store.of(Room).get("hut")).stamp == new.stamp

    async def test_snapshot_has_its_revision(self, store: Store) -> None:
        """A snapshot under concurrent writes is of one revision: no document is above it, no transfer is half."""

        async def transfer(unit: Unit, amount: int) -> None:
            left, right = await unit.of(Room).get("left"), await unit.of(Room).get("right")
            await unit.of(Room).put(left.model_copy(update={"size": left.size - amount}))
            await unit.of(Room).put(right.model_copy(update={"size": right.size + amount}))

        for name in ("left", "right"):
            await store.transact(put, Room(name=name, size=100))
        writing = asyncio.gather(*(store.transact(transfer, i) for i in range(15)))
        for _ in range(10):
            revision, rooms = await store.snapshot(Room)
            assert sum(room.size for room in rooms) == 200
            assert all(room.stamp.revision <= revision for room in rooms)
        await writing
        revision, rooms = await store.snapshot(Room, Find(sort="-name", limit=1))
        assert (revision, [room.name for room in rooms]) == (await store.revision(), ["right"])

    async def test_reading_changes_no_revision(self, store: Store) -> None:
        """A unit without effect leaves the revision alone."""

        async def read(unit: Unit) -> int:
            return await unit.of(Account).count() + await unit.of(Room).count()

        before = await store.revision()
        assert await store.transact(read) == 0
        assert await store.revision() == before
