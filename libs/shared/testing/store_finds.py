"""Conformance: what a find answers, in which order, whether or not an index serves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from libs.shared.errors import Invalid
from libs.shared.store.protocol import Clause, Equal, Find, OneOf, Prefix, Range, Store, Unit
from libs.shared.testing.store_kinds import Account, Mood, Owner
from libs.shared.testing.store_units import add
from libs.shared.values import Secret

DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)

PEOPLE = (
    Account(name="ann", email="ann@x.org", labels=("team=a", "tier=1"), age=30, joined=DAY, owner=Owner(team="red")),
    Account(name="ben", email="ben@x.org", labels=("team=a",), age=20, joined=DAY + timedelta(microseconds=1)),
    Account(name="cyd", email="", labels=(), age=None, active=False, owner=Owner(team="red", tags=("t1", "t2"))),
    Account(name="dov", email="dov@y.org", labels=("team=b",), age=20, mood=Mood.brisk, free={"k": "v", "l": ["m"]}),
    Account(name="eve", labels=("team=a%",), age=-5, joined=DAY - timedelta(days=1)),
)


class FindConformance:
    """Finding."""

    @pytest.mark.parametrize(
        ("clauses", "names"),
        [
            ((), "ann ben cyd dov eve"),
            ((Equal("email", "ben@x.org"),), "ben"),
            ((Equal("email", ""),), "cyd eve"),
            ((Equal("name", "cyd"),), "cyd"),
            ((Equal("age", 20),), "ben dov"),
            ((Equal("age", "20"),), ""),
            ((Equal("active", False),), "cyd"),
            ((Equal("mood", "brisk"),), "dov"),
            ((Equal("labels", "team=a"),), "ann ben"),
            ((Equal("labels", "team"),), ""),
            ((Equal("owner.team", "red"),), "ann cyd"),
            ((Equal("owner.tags", "t2"),), "cyd"),
            ((Equal("free.k", "v"),), "dov"),
            ((Equal("free.l", "m"),), "dov"),
            ((Equal("owner.team", "red"), Equal("labels", "tier=1")), "ann"),
            ((OneOf("age", (20, 30)),), "ann ben dov"),
            ((OneOf("email", ("", "ann@x.org")),), "ann cyd eve"),
            ((OneOf("labels", ("team=b", "tier=1")),), "ann dov"),
            ((OneOf("name", ()),), ""),
            ((Prefix("email", "ben"),), "ben"),
            ((Prefix("email", ""),), "ann ben cyd dov eve"),
            ((Prefix("name", "c"),), "cyd"),
            ((Prefix("labels", "team=a"),), "ann ben eve"),
            ((Prefix("labels", "team=a%"),), "eve"),
            ((Prefix("age", "2"),), ""),
            ((Range("age", 20, 30),), "ben dov"),
            ((Range("age", None, 21),), "ben dov eve"),
            ((Range("age", 20),), "ann ben dov"),
            ((Range("age", "1"),), ""),
            ((Range("age"),), "ann ben cyd dov eve"),
            ((Range("joined", DAY, DAY + timedelta(seconds=1)),), "ann ben"),
            ((Range("joined", DAY + timedelta(microseconds=1)),), "ben"),
            ((Range("joined", None, DAY),), "eve"),
            ((Range("name", "b", "d"),), "ben cyd"),
            ((Range("labels", "team=b"),), "ann dov"),
        ],
    )
    async def test_clauses(self, store: Store, clauses: tuple[Clause, ...], names: str) -> None:
        """Each clause means what the protocol says, over stored documents and over a unit's own writes alike."""

        async def inside(unit: Unit) -> tuple[list[str], int]:
            for person in PEOPLE:
                await unit.of(Account).put(person.model_copy())
            return await _names(unit), await unit.of(Account).count(Find(clauses, limit=1))

        async def _names(unit: Unit) -> list[str]:
            return [one.name for one in await unit.of(Account).find(Find(clauses))]

        found, count = await store.transact(inside)
        assert (found, count) == (names.split(), len(names.split()))
        assert [one.name for one in await store.of(Account).find(Find(clauses))] == names.split()
        assert await store.of(Account).count(Find(clauses, limit=1, offset=1)) == len(names.split())
        assert await store.transact(_names) == names.split()

    @pytest.mark.parametrize(
        ("find", "names"),
        [
            (Find(sort="age"), "cyd eve ben dov ann"),
            (Find(sort="-age"), "ann ben dov eve cyd"),
            (Find(sort="name"), "ann ben cyd dov eve"),
            (Find(sort="-name"), "eve dov cyd ben ann"),
            (Find(sort="joined"), "cyd dov eve ann ben"),
            (Find(sort="owner.team"), "ben dov eve ann cyd"),
            (Find(sort="age", limit=2), "cyd eve"),
            (Find(sort="age", limit=2, offset=2), "ben dov"),
            (Find(offset=3), "dov eve"),
            (Find(limit=0), ""),
            (Find(offset=99), ""),
        ],
    )
    async def test_order_and_pages(self, store: Store, find: Find, names: str) -> None:
        """Absent first, then by value, ties by key in rising order, then the page; in a unit's own writes too."""

        async def inside(unit: Unit) -> list[str]:
            for person in PEOPLE[1::2]:
                await unit.of(Account).put(person.model_copy())
            return [one.name for one in await unit.of(Account).find(find)]

        await store.transact(add, *(person.model_copy() for person in PEOPLE[::2]))
        assert await store.transact(inside) == names.split()
        assert [one.name for one in await store.of(Account).find(find)] == names.split()

    async def test_times_and_secrets_come_back(self, store: Store) -> None:
        """Times come back as the same moment whatever their zone, to the microsecond; a secret comes back itself."""
        there = datetime(2026, 3, 1, 14, 0, 0, 7, tzinfo=timezone(timedelta(hours=2)))
        await store.transact(add, Account(name="a", joined=there, password=Secret("hash")))
        found = await store.of(Account).get("a")
        assert found.joined == there
        assert found.password.reveal() == "hash"
        assert [one.name for one in await store.of(Account).find(Find((Range("joined", there),)))] == ["a"]

    async def test_bad_fields_are_refused(self, store: Store) -> None:
        """A field that the kind has not, an object, or an order by a list is refused by name."""
        for find in (
            Find((Equal("nope", 1),)),
            Find((Equal("owner", "x"),)),
            Find((Equal("name.first", "x"),)),
            Find((Equal("name' OR '1", "x"),)),
            Find(sort="labels"),
            Find(sort="nope"),
        ):
            with pytest.raises(Invalid):
                await store.of(Account).find(find)

    async def test_a_time_without_zone_is_refused(self, store: Store) -> None:
        """A document that can't be stored is refused when its unit commits, and nothing is kept."""
        naive = DAY.replace(tzinfo=None)
        with pytest.raises(Invalid, match="time zone"):
            await store.transact(add, Account(name="a"), Account(name="b", joined=naive))
        assert await store.of(Account).count() == 0

    async def test_a_nul_is_refused(self, store: Store) -> None:
        """Text with a NUL is refused; what only looks like its spelling is kept; asking for one finds nothing."""
        with pytest.raises(Invalid, match="NUL"):
            await store.transact(add, Account(name="a", email="bob\0eve"))
        await store.transact(add, Account(name="b", email="\\u0000", labels=("",)))
        assert (await store.of(Account).get("b")).email == "\\u0000"
        for clause in (Equal("email", "\0"), OneOf("labels", ("\0", "\0x")), Prefix("labels", "\0")):
            assert await store.of(Account).find(Find((clause,))) == []

    async def test_indexes_follow_changes(self, store: Store) -> None:
        """A changed or removed document is found by what it is, no more by what it was."""

        async def relabel(unit: Unit) -> None:
            ann = await unit.of(Account).get("ann")
            await unit.of(Account).put(ann.model_copy(update={"labels": ("team=z",), "email": "new@x.org"}))
            await unit.of(Account).drop("ben")

        async def names(clause: Clause) -> list[str]:
            return [one.name for one in await store.of(Account).find(Find((clause,)))]

        await store.transact(add, *(person.model_copy() for person in PEOPLE))
        await store.transact(relabel)
        assert await names(Equal("labels", "team=a")) == []
        assert await names(Equal("labels", "team=z")) == ["ann"]
        assert await names(Prefix("email", "ann@")) == []
        assert await names(Equal("email", "new@x.org")) == ["ann"]
        await store.transact(add, Account(name="zoe", email="ann@x.org"))

    async def test_many_documents(self, store: Store) -> None:
        """A find over more than a page of rows answers whole, in order."""

        async def fill(unit: Unit) -> None:
            for i in range(500):
                await unit.of(Account).put(Account(name=f"n{i:03}", age=i % 7, labels=("all",)))

        await store.transact(fill)
        assert [one.name for one in await store.of(Account).find(Find((Equal("labels", "all"),)))] == [
            f"n{i:03}" for i in range(500)
        ]
        ages = [(one.age, one.name) for one in await store.of(Account).find(Find(sort="age"))]
        assert ages == sorted(ages)
        assert await store.of(Account).count(Find((Equal("age", 3),))) == 71
