"""Conformance: a unit is all or nothing, units are serializable, and what failed leaves no trace."""

from __future__ import annotations

import asyncio

import pytest

from libs.shared.errors import Conflict, Exists, Invalid, Missing, Stale
from libs.shared.store import lease
from libs.shared.store.lease import Lease
from libs.shared.store.protocol import Equal, Find, Store, Unit
from libs.shared.testing.clock import VirtualClock
from libs.shared.testing.store_kinds import Account, Again, Doctor, Meeting, Noted, Room


async def add(unit: Unit, *accounts: Account) -> None:
    """Add these accounts."""
    for account in accounts:
        await unit.of(Account).add(account)


async def grow(unit: Unit, name: str) -> Room:
    """Read and write: the unit that loses updates when a store is careless."""
    rooms = unit.of(Room)
    room = await rooms.get(name)
    return await rooms.put(room.model_copy(update={"size": room.size + 1}))


class UnitConformance:
    """Units."""

    async def test_reads_back_what_a_unit_put(self, store: Store) -> None:
        """What is put is there, for readers and later units, with every value as it was."""
        account = Account(name="bob", email="bob@example.com", labels=("a=1",), free={"x": [1, {"y": None}]})
        await store.transact(add, account)
        assert (await store.of(Account).get("bob")).model_dump() == account.model_dump()

    async def test_unit_sees_its_own_writes(self, store: Store) -> None:
        """Inside a unit, get, look, find and count answer with its writes laid over the stored documents."""

        async def work(unit: Unit) -> None:
            accounts = unit.of(Account)
            await accounts.put(Account(name="b", labels=("x",)))
            assert await accounts.look("b") is not None
            await accounts.drop("a")
            assert await accounts.look("a") is None
            with pytest.raises(Missing):
                await accounts.get("a")
            found = await accounts.find(Find((Equal("labels", "x"),)))
            assert [one.name for one in found] == ["b", "c"]
            assert await accounts.count(Find((Equal("labels", "x"),))) == 2
            assert [one.name for one in await accounts.find(Find(limit=1, offset=1))] == ["c"]

        await store.transact(add, Account(name="a", labels=("x",)), Account(name="c", labels=("x",)))
        await store.transact(work)
        assert [one.name for one in await store.of(Account).find()] == ["b", "c"]

    async def test_a_failing_unit_leaves_nothing(self, store: Store) -> None:
        """What a work raises is raised, and none of its documents, events or notes is kept."""

        async def work(unit: Unit) -> None:
            await unit.of(Account).put(Account(name="a"))
            unit.emit(Noted(text="a"), subject="accounts/a")
            unit.note("consumer", "event-1")
            raise Conflict("no", "not like this")

        with pytest.raises(Conflict, match="not like this"):
            await store.transact(work)
        assert await store.of(Account).look("a") is None
        assert await store.outbox.waiting(10) == []
        assert not await store.transact(_seen)

    async def test_missing_and_existing_are_named(self, store: Store) -> None:
        """Get and drop raise Missing, add raises Exists, each naming collection and key."""
        with pytest.raises(Missing) as missing:
            await store.of(Account).get("nobody")
        assert (missing.value.resource, missing.value.name) == ("Account", "nobody")
        with pytest.raises(Missing):
            await store.transact(_drop, "nobody")
        await store.transact(add, Account(name="a"))
        with pytest.raises(Exists) as exists:
            await store.transact(add, Account(name="a"))
        assert (exists.value.resource, exists.value.name) == ("Account", "a")

    async def test_no_update_is_lost(self, store: Store) -> None:
        """Of many units that read and write one document, each sees all before it."""
        await store.transact(_room, "hall")
        sizes = await asyncio.gather(*(store.transact(grow, "hall") for _ in range(40)))
        assert sorted(room.size for room in sizes) == list(range(1, 41))
        assert (await store.of(Room).get("hall")).size == 40

    async def test_write_skew_is_refused(self, store: Store) -> None:
        """Two units that each read both documents and write one can't both stand on what they read."""
        await store.transact(_doctors)
        meeting = Meeting(2)

        async def leave(unit: Unit, name: str, other: str) -> None:
            doctors = unit.of(Doctor)
            mine, others = await doctors.get(name), await doctors.get(other)
            await meeting.join()
            if not others.on_call:
                raise Conflict("nobody-on-call", f"{other} has left already")
            await doctors.put(mine.model_copy(update={"on_call": False}))

        answers = await asyncio.gather(
            store.transact(leave, "ann", "ben"), store.transact(leave, "ben", "ann"), return_exceptions=True
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "NoneType"]
        assert await store.of(Doctor).count(Find((Equal("on_call", True),))) == 1

    async def test_what_a_find_answered_is_checked(self, store: Store) -> None:
        """A unit that counts and then adds never adds to what another has added meanwhile: no phantom."""
        meeting = Meeting(2)

        async def join(unit: Unit, name: str) -> None:
            if await unit.of(Doctor).count(Find((Equal("on_call", True),))):
                raise Conflict("taken", "somebody is on call")
            assert await unit.of(Doctor).find(Find((Equal("on_call", True),))) == []
            await meeting.join()
            await unit.of(Doctor).add(Doctor(name=name))

        answers = await asyncio.gather(*(store.transact(join, name) for name in "ab"), return_exceptions=True)
        assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "NoneType"]

    async def test_absence_is_checked(self, store: Store) -> None:
        """A unit that saw a key absent doesn't commit beside one that made it."""
        meeting = Meeting(2)
        seen: list[bool] = []

        async def work(unit: Unit, name: str) -> None:
            absent = await unit.of(Account).look("shared") is None
            await meeting.join()
            seen.append(absent)
            if absent:
                await unit.of(Account).put(Account(name="shared", free={"by": name}))

        await asyncio.gather(store.transact(work, "one"), store.transact(work, "two"))
        assert sorted(seen) == [False, True, True]  # one of them was run again

    async def test_an_answer_rests_on_one_state(self, store: Store) -> None:
        """A unit that only reads, and one that refuses, are run again when what they read was never true at once."""
        await store.transact(_doctors)
        torn = True

        async def both(unit: Unit) -> int:
            nonlocal torn
            first = await unit.of(Doctor).get("ann")
            if torn:
                torn = False
                await store.transact(_swap)
            second = await unit.of(Doctor).get("ben")
            if first.on_call == second.on_call:
                raise Invalid("torn", "never true")
            return int(first.on_call) + int(second.on_call)

        await store.transact(_off, "ben")
        assert await store.transact(both) == 1

    async def test_unique_values_race(self, store: Store) -> None:
        """Of units that take one value at once, one stands, and the others name field and value."""
        answers = await asyncio.gather(
            *(store.transact(add, Account(name=f"n{i}", email="same@example.com")) for i in range(8)),
            return_exceptions=True,
        )
        refused = [answer for answer in answers if isinstance(answer, Exists)]
        assert len(refused) == 7
        assert all("email" in one.text and "same@example.com" in one.text for one in refused)
        assert await store.of(Account).count() == 1

    async def test_unique_skips_what_is_missing(self, store: Store) -> None:
        """Missing, None and empty text collide with nothing; compound and list indexes refuse what is whole."""
        await store.transact(add, Account(name="a"), Account(name="b"), Account(name="c", realm="r"))
        await store.transact(add, Account(name="d", realm="r"), Account(name="e", realm="r", number=1))
        with pytest.raises(Exists, match="realm r, number 1"):
            await store.transact(add, Account(name="f", realm="r", number=1))
        await store.transact(add, Account(name="g", aliases=("x", "")), Account(name="h", aliases=("y", "")))
        with pytest.raises(Exists, match="aliases"):
            await store.transact(add, Account(name="i", aliases=("z", "x")))

    async def test_unique_values_may_move_within_a_unit(self, store: Store) -> None:
        """Two documents swap a unique value, and one takes what another gives up, in whatever order they are put."""
        one, two = Account(name="1", email="1@x", aliases=("i",)), Account(name="2", email="2@x", aliases=("ii",))
        await store.transact(add, one, two)

        async def swap(unit: Unit) -> None:
            accounts = unit.of(Account)
            await accounts.put(one.model_copy(update={"email": "2@x", "aliases": ("ii",)}))
            await accounts.put(two.model_copy(update={"email": "1@x", "aliases": ("i",)}))

        one, two = await store.of(Account).get("1"), await store.of(Account).get("2")
        await store.transact(swap)

        async def take(unit: Unit) -> None:
            await unit.of(Account).put(Account(name="3", email="2@x"))
            await unit.of(Account).drop("1")

        await store.transact(take)
        assert [(one.name, one.email) for one in await store.of(Account).find()] == [("2", "1@x"), ("3", "2@x")]

    async def test_one_refused_unit_takes_no_other_along(self, store: Store) -> None:
        """Units that commit together stand or fall each by itself."""
        await store.transact(add, Account(name="first", email="taken@x"))
        works = [Account(name=f"n{i}", email="taken@x" if i % 3 == 0 else f"{i}@x") for i in range(30)]
        answers = await asyncio.gather(*(store.transact(add, one) for one in works), return_exceptions=True)
        assert [isinstance(answer, Exists) for answer in answers] == [i % 3 == 0 for i in range(30)]
        assert await store.of(Account).count() == 21

    async def test_endless_conflict_is_stale(self, store: Store) -> None:
        """A work whose reads never hold still is run a bounded number of times, then raises Stale."""
        await store.transact(_room, "hall")
        runs = 0

        async def work(unit: Unit) -> None:
            nonlocal runs
            runs += 1
            room = await unit.of(Room).get("hall")
            await store.transact(grow, "hall")
            await unit.of(Room).put(room)

        with pytest.raises(Stale):
            await store.transact(work)
        assert 1 < runs < 100

    async def test_a_document_read_outside_is_checked(self, store: Store) -> None:
        """Putting what was read before the unit, and has changed since, raises Stale and changes nothing."""
        await store.transact(_room, "hall")
        old = await store.of(Room).get("hall")
        await store.transact(grow, "hall")
        with pytest.raises(Stale) as stale:
            await store.transact(_put, old.model_copy(update={"size": 7}))
        assert stale.value.name == "hall"
        assert (await store.of(Room).get("hall")).size == 1

    async def test_outcome_is_known_by_id(self, store: Store, again: Again) -> None:
        """A unit's id is written with it: its outcome can be asked, over a restart too."""
        ids: list[str] = []

        async def work(unit: Unit, *, fail: bool) -> None:
            ids.append(unit.id)
            await unit.of(Room).put(Room(name=unit.id))
            if fail:
                raise Conflict("no", "no")

        await store.transact(work, fail=False)
        with pytest.raises(Conflict):
            await store.transact(work, fail=True)
        assert [await store.outcome(one) for one in ids] == [True, False]
        store = await again()
        assert [await store.outcome(one) for one in ids] == [True, False]

    async def test_a_given_id_commits_once(self, store: Store, again: Again) -> None:
        """`transact_once` under one id, at once and later, changes things once; the others learn that it is done."""
        await store.transact(_room, "hall")
        answers = await asyncio.gather(
            *(store.transact_once("key-1", grow, "hall") for _ in range(5)), return_exceptions=True
        )
        assert sum(isinstance(answer, Room) for answer in answers) == 1
        assert {answer.slug for answer in answers if isinstance(answer, Exists)} == {"unit-committed"}
        store = await again()
        with pytest.raises(Exists):
            await store.transact_once("key-1", grow, "hall")
        assert (await store.of(Room).get("hall")).size == 1

    async def test_a_failed_given_id_is_free(self, store: Store) -> None:
        """An id whose unit failed can be used again; an id that is no id is refused."""
        with pytest.raises(Missing):
            await store.transact_once("key-1", grow, "hall")
        await store.transact(_room, "hall")
        assert (await store.transact_once("key-1", grow, "hall")).size == 1
        with pytest.raises(Invalid):
            await store.transact_once("", grow, "hall")

    async def test_leases_fence(self, store: Store, clock: VirtualClock) -> None:
        """One owner at a time; after it ran out another's claim makes the first one's renewals and units stale."""
        first = await lease.claim(store, "relay/0", "one", 10)
        assert first is not None
        assert await lease.claim(store, "relay/0", "two", 10) is None
        first = await lease.renew(store, first, 10)
        await clock.advance(11)
        second = await lease.claim(store, "relay/0", "two", 10)
        assert second is not None
        assert second.stamp.version > first.stamp.version
        with pytest.raises(Stale):
            await lease.renew(store, first, 10)
        with pytest.raises(Stale):
            await store.transact(lease.holds, first)
        await lease.release(store, first)
        await store.transact(lease.holds, second)
        await lease.release(store, second)
        assert await store.of(Lease).look("relay/0") is None
        third = await lease.claim(store, "relay/0", "one", 10)
        assert third is not None
        assert third.stamp.version > second.stamp.version


async def _seen(unit: Unit) -> bool:
    return await unit.seen("consumer", "event-1")


async def _drop(unit: Unit, name: str) -> None:
    await unit.of(Account).drop(name)


async def _room(unit: Unit, name: str) -> Room:
    return await unit.of(Room).add(Room(name=name))


async def _put(unit: Unit, room: Room) -> Room:
    return await unit.of(Room).put(room)


async def _doctors(unit: Unit) -> None:
    for name in ("ann", "ben"):
        await unit.of(Doctor).add(Doctor(name=name))


async def _off(unit: Unit, name: str) -> None:
    await unit.of(Doctor).put(Doctor(name=name, on_call=False))


async def _swap(unit: Unit) -> None:
    for doctor in await unit.of(Doctor).find():
        await unit.of(Doctor).put(doctor.model_copy(update={"on_call": not doctor.on_call}))
