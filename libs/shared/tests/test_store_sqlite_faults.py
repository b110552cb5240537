"""The embedded store under faults: full disk, damage, locks, kills, foreign and newer files."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from libs.shared import failpoints
from libs.shared.errors import Broken, Busy, Exists, Invalid
from libs.shared.event import Event
from libs.shared.store.protocol import Document, Equal, Find, Index, Migration, Unit
from libs.shared.store.sqlite import SqliteStore, files, open_store
from libs.shared.values import SystemClock, time_ordered_id


class Item(Document):
    INDEXES = (Index(("tags",)), Index(("code",), unique=True))
    WATCHED = True

    name: str
    code: str = ""
    tags: tuple[str, ...] = ()
    load: str = ""


class Kept(Event):
    SERVICE = "faults"

    item: str = ""


async def keep(unit: Unit, name: str, load: str = "") -> Item:
    item = await unit.of(Item).add(Item(name=name, load=load, tags=("all",)))
    unit.emit(Kept(item=name), subject=f"items/{name}", about=item)
    return item


Open = Callable[..., Awaitable[SqliteStore]]


async def opening(path: Path, kinds: tuple[type[Document], ...] = (Item,), **options: Any) -> SqliteStore:
    options.setdefault("failpoints", failpoints.Failpoints())
    return await open_store(path, kinds, clock=SystemClock(), ids=time_ordered_id, source="faults", **options)


@pytest.fixture
async def open_(tmp_path: Path) -> AsyncIterator[Open]:
    stores: list[SqliteStore] = []

    async def opened(*args: Any, **options: Any) -> SqliteStore:
        stores.append(await opening(tmp_path / "a.db", *args, **options))
        return stores[-1]

    yield opened
    for store in stores:
        await store.close()


CHILD = """
import asyncio, pathlib, resource, sys
from libs.shared import failpoints
from libs.shared.errors import Broken, Busy
from libs.shared.tests.test_store_sqlite_faults import Item, keep, opening

async def one(store, path, name):
    try:
        print("kept", (await store.transact(keep, name, "x" * 2000)).name, flush=True)
    except (Broken, Busy) as broken:
        print("refused", broken.slug, str(path) in broken.text, flush=True)
        return True

async def main(path, plan, limit, width):
    store = await opening(pathlib.Path(path), failpoints=failpoints.parsed(plan))
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for start in range(0, 400, width):
        if any(await asyncio.gather(*(one(store, path, f"n{i}") for i in range(start, start + width)))):
            break
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print("kept", (await store.transact(keep, "afterwards")).name, flush=True)
    await store.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""


def child(path: Path, plan: str = "", limit: int = 0, width: int = 8) -> tuple[int, list[list[str]]]:
    """Run units in a process of their own; its exit status and what it said."""
    command = [sys.executable, "-W", "ignore", "-c", CHILD, str(path), plan, str(limit), str(width)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 -- our own text
    assert done.returncode in (0, -9), done.stderr
    return done.returncode, [line.split() for line in done.stdout.splitlines()]


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


async def whole(store: SqliteStore) -> set[str]:
    """The names that are kept, having checked that documents, events, sequences and indexes agree."""
    names = {item.name for item in await store.of(Item).find()}
    rows = await store.outbox.waiting(10_000)
    assert {Kept.model_validate_json(row.envelope.data).item for row in rows} == names
    assert len(rows) == len(names)
    assert {row.envelope.sequence for row in rows} == {1}
    assert {item.name for item in await store.of(Item).find(Find((Equal("tags", "all"),)))} == names
    return names


@pytest.mark.parametrize(("point", "kept"), [("store.before-commit", 6), ("store.after-commit", 7)])
async def test_killed_at_a_failpoint(open_: Open, tmp_path: Path, point: str, kept: int) -> None:
    """SIGKILL at the seventh unit: six are acknowledged; the seventh is there if it was durable, and not by half."""
    status, said = await asyncio.to_thread(child, tmp_path / "a.db", f"{point}=kill@7", width=1)
    assert (status, len(said)) == (-9, 6)
    assert await whole(await open_()) == {f"n{i}" for i in range(kept)}


@pytest.mark.parametrize("point", ["store.before-commit", "store.after-commit"])
async def test_killed_among_many(open_: Open, tmp_path: Path, point: str) -> None:
    """SIGKILL in a group: every acknowledged unit is whole, and besides them only units that were under way."""
    status, said = await asyncio.to_thread(child, tmp_path / "a.db", f"{point}=kill@7")
    acknowledged = {line[1] for line in said}
    kept = await whole(await open_())
    assert status == -9
    assert len(acknowledged) >= 6
    assert acknowledged <= kept
    assert len(kept - acknowledged) <= 8


async def test_a_full_disk_refuses_and_recovers(open_: Open, tmp_path: Path) -> None:
    """Where the system refuses to let the files grow, units fail by name, none by half; with room they go on."""
    status, said = await asyncio.to_thread(child, tmp_path / "a.db", "", 300_000)
    assert status == 0
    refusals = [line for line in said if line[0] == "refused"]
    assert refusals
    assert {tuple(line[1:]) for line in refusals} <= {("store-full", "True"), ("store-io", "True")}
    assert await whole(await open_()) == {line[1] for line in said if line[0] == "kept"} >= {"afterwards"}


async def test_a_full_file_says_so(open_: Open) -> None:
    """SQLite's own limit: `store-full` names file and remedy, `ready` too; raised, the same store goes on."""
    store = await open_()

    async def limit(pages: int) -> None:
        await store._writer.run(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchall())

    await store.transact(keep, "first")
    await limit(1)
    answers = await asyncio.gather(
        *(store.transact(keep, f"n{i}", "x" * 9_000) for i in range(20)), return_exceptions=True
    )
    broken = [answer for answer in answers if isinstance(answer, Busy)]
    assert broken
    assert {one.slug for one in broken} == {"store-full"}
    assert "a.db" in broken[0].text
    assert "free space" in broken[0].text
    assert broken[0].public == "the store of a can't write now: no space is left"
    await limit(1_000_000)
    await store.transact(keep, "later")
    await store.ready()
    assert len(await whole(store)) == 2 + len(answers) - len(broken)


async def test_a_failed_commit_leaves_nothing(open_: Open) -> None:
    """A group whose commit fails is run again one by one; a unit that fails alone is refused and leaves no trace."""
    store = await open_(failpoints=failpoints.parsed("store.before-commit=fail@1"))
    with pytest.raises(Broken, match="failpoint"):
        await store.transact(keep, "a")
    await asyncio.gather(*(store.transact(keep, f"n{i}") for i in range(5)))
    assert await whole(store) == {f"n{i}" for i in range(5)}


async def test_an_unknown_outcome_is_looked_up(open_: Open) -> None:
    """An error after the commit is no failure: the unit's id is in the file, and its answer is given, once."""
    store = await open_(failpoints=failpoints.parsed("store.after-commit=fail@2"))
    revision = (await store.transact(keep, "first")).stamp.revision
    watch = store.changes(revision, (Item,))
    items = await asyncio.gather(*(store.transact(keep, f"n{i}") for i in range(5)))
    assert all(item.stamp.revision > revision for item in items)
    assert {change.key for change in await anext(watch)} <= {item.name for item in items}
    await watch.aclose()
    assert await whole(store) == {"first", *(f"n{i}" for i in range(5))}


async def test_a_store_is_one_processes(open_: Open, tmp_path: Path) -> None:
    """A second opening is refused by name, and changes nothing for the first; once closed it is free."""
    store = await open_()
    with pytest.raises(Busy, match=r"a\.db.*another process"):
        await opening(tmp_path / "a.db")
    await store.transact(keep, "a")
    await store.close()
    again = await open_()
    assert await whole(again) == {"a"}


async def test_another_programs_lock_is_named(open_: Open, tmp_path: Path) -> None:
    """A program that holds SQLite's own lock makes units Busy, and they go on when it lets go."""
    store = await open_()
    await store._writer.run(lambda _: None)
    store._writer._groups._connection.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy, match="another program"):
        await store.transact(keep, "a")
    other.execute("ROLLBACK")
    other.close()
    await store.transact(keep, "a")
    assert await whole(store) == {"a"}


async def test_damaged_files_are_named(tmp_path: Path) -> None:
    """No database, a damaged one, another program's: refused at opening, naming the file; the lock is let go."""
    path = tmp_path / "a.db"
    path.write_bytes(b"not a database at all" * 500)
    for _ in range(2):
        with pytest.raises(Broken, match=r"a\.db") as broken:
            await opening(path)
        assert broken.value.slug == "store-corrupt"
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(Broken) as broken:
        await opening(path)
    assert broken.value.slug == "store-foreign"
    with pytest.raises(Broken) as broken:
        await opening(tmp_path / "no" / "such" / "folder.db")
    assert broken.value.slug == "store-not-opened"


async def damaged(file: Path, number: int, load: str, **options: Any) -> None:
    """A store of so many documents, closed, then overwritten in its middle: the header is sound."""
    store = await opening(file, **options)
    for i in range(number):
        await store.transact(keep, f"n{i}", load)
    await store.close()
    with file.open("r+b") as raw:
        size = raw.seek(0, 2)
        raw.seek(size // 2 // 4096 * 4096)
        raw.write(b"\xff" * min(size // 4, 256 * 1024))


async def test_damage_within_is_named_at_opening(tmp_path: Path) -> None:
    """A file of usual size is looked through: a damaged one doesn't start, and its lock is let go."""
    await damaged(tmp_path / "a.db", 50, "x" * 3_000)
    for _ in range(2):
        with pytest.raises(Broken, match=r"a\.db: the file is damaged; .* restore a backup") as broken:
            await opening(tmp_path / "a.db")
        assert broken.value.slug == "store-corrupt"


async def test_a_large_file_is_looked_through_after_a_crash(open_: Open, tmp_path: Path) -> None:
    """Where looking takes long, it is done if the last process was killed; else damage is named when it is read."""
    await damaged(tmp_path / "a.db", 16, "x" * 1_000_000, changes=1)
    store = await open_(changes=1)
    with pytest.raises(Broken) as broken:
        await store.of(Item).find()
    assert broken.value.slug == "store-corrupt"
    await store.close()
    (tmp_path / "a.db-wal").touch()
    with pytest.raises(Broken) as broken:
        await opening(tmp_path / "a.db")
    assert broken.value.slug == "store-corrupt"


def test_a_read_only_file_is_named(tmp_path: Path) -> None:
    """What SQLite says of a file that can't be written becomes a fault with file and remedy."""
    sqlite3.connect(tmp_path / "a.db").execute("CREATE TABLE t (x)").connection.close()
    connection = sqlite3.connect(f"file:{tmp_path / 'a.db'}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as error:
        connection.execute("INSERT INTO t VALUES (1)")
    connection.close()
    fault = files.fault(error.value, tmp_path / "a.db")
    assert (type(fault), fault.slug) == (Broken, "store-read-only")
    assert "owner and mode" in fault.text


class Renamed(Document):
    COLLECTION = "Item"
    INDEXES = (Index(("labels",)), Index(("code",), unique=True))

    name: str
    code: str = ""
    labels: tuple[str, ...] = ()


def _renamed(body: dict[str, Any]) -> dict[str, Any] | None:
    if body["name"] == "old":
        return None
    return {"name": body["name"], "code": body["code"], "labels": body["tags"]}


async def test_migrations_run_forward_once(open_: Open) -> None:
    """Documents take their new form, indexes follow, and a program that knows less refuses the file."""
    store = await open_()
    await store.transact(keep, "a")
    await store.transact(keep, "old")
    await store.close()
    migrations = (Migration(1, "Item", _renamed), Migration(2, "Other", lambda _: None))
    for _ in range(2):
        store = await open_((Renamed,), migrations=migrations)
        assert [one.labels for one in await store.of(Renamed).find(Find((Equal("labels", "all"),)))] == [("all",)]
        await store.close()
    with pytest.raises(Broken, match="newer program"):
        await open_()


async def test_a_newer_format_is_refused(open_: Open, tmp_path: Path) -> None:
    """A file of a format that this program doesn't know is refused, and left as it is."""
    await (await open_()).close()
    connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(Broken, match="format 99") as broken:
        await open_()
    assert broken.value.slug == "store-newer"


async def test_a_missing_migration_is_named(open_: Open) -> None:
    """A stored document that no longer fits its model is Broken by name, not a validation error."""
    store = await open_()
    await store.transact(keep, "a")
    await store.close()
    store = await open_((Renamed,))
    with pytest.raises(Broken, match=r"Item/a.*migration"):
        await store.of(Renamed).get("a")


class Strict(Document):
    COLLECTION = "Item"
    INDEXES = (Index(("load",), unique=True),)
    WATCHED = True

    name: str
    code: str = ""
    tags: tuple[str, ...] = ()
    load: str = ""


async def test_a_new_unique_index_over_doubles(open_: Open) -> None:
    """A unique index that stored documents contradict is refused at opening, and the file stays usable as it was."""
    store = await open_()
    await store.transact(keep, "a", "same")
    await store.transact(keep, "b", "same")
    await store.close()
    with pytest.raises(Broken, match="share a value"):
        await open_((Strict,))
    assert await whole(await open_()) == {"a", "b"}


async def test_backup_is_online_and_whole(open_: Open, tmp_path: Path) -> None:
    """A copy made under load opens as a store that is consistent; a target that can't be written is named."""
    store = await open_()
    await store.transact(keep, "before")
    writing = asyncio.gather(*(store.transact(keep, f"n{i}") for i in range(100)))
    await asyncio.sleep(0.01)
    await store.backup(str(tmp_path / "copy.db"))
    await writing
    copy = await opening(tmp_path / "copy.db")
    assert await whole(copy) <= await whole(store)
    await copy.transact(keep, "elsewhere")
    await copy.close()
    with pytest.raises(Broken, match="nowhere"):
        await store.backup(str(tmp_path / "nowhere" / "copy.db"))


async def test_closing_leaves_nothing(open_: Open, tmp_path: Path) -> None:
    """Units under way finish, watches end; no thread, lock or -wal stays, and later use is refused."""
    store = await open_()
    watch = store.changes(0, (Item,))
    await anext(watch)
    writing = asyncio.gather(*(store.transact(keep, f"n{i}") for i in range(20)))
    await asyncio.sleep(0)
    await store.close()
    assert len(await writing) == 20
    assert [len(batch) async for batch in watch][-1:] != [0]
    assert names(tmp_path) == ["a.db"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("store", "read"))]
    for use in (store.transact(keep, "z"), store.of(Item).get("n1"), store.snapshot(Item), store.ready()):
        with pytest.raises(Broken, match="closed"):
            await use


async def test_too_many_units_are_refused(open_: Open) -> None:
    """Units beyond the bound wait, and beyond the next they are Busy with a time to come back."""
    store, gate = await open_(), asyncio.Event()

    async def slow(unit: Unit) -> None:
        await gate.wait()

    tasks = [asyncio.ensure_future(store.transact(slow)) for _ in range(1_024 + 8_192)]
    await asyncio.sleep(0)
    with pytest.raises(Busy) as busy:
        await store.transact(slow)
    assert busy.value.retry_after > 0
    gate.set()
    await asyncio.gather(*tasks)
    await store.transact(keep, "a")


async def test_undeclared_and_unindexed(open_: Open) -> None:
    """A kind that was not declared is refused; a query that no index serves is answered, and listed."""
    store = await open_()
    with pytest.raises(Invalid, match="Renamed"):
        store.of(Renamed)
    await store.of(Item).find(Find((Equal("tags", "x"), Equal("load", "y"))))
    await store.of(Item).find(Find((Equal("code", "x"),)))
    assert not store.unindexed
    await store.of(Item).find(Find((Equal("load", "y"),)))
    assert [collection for collection, _ in store.unindexed] == ["Item"]


async def test_a_scan_leaves_the_loop(open_: Open) -> None:
    """A query that takes many steps is answered by a reader's thread, a quick one on the loop, with one meaning."""
    store = await open_()

    async def fill(unit: Unit) -> None:
        for i in range(2_000):
            await unit.of(Item).put(Item(name=f"n{i}", code=f"c{i}", load=str(i % 100)))

    await store.transact(fill)
    reads = store._books.reads
    assert not reads._idle
    assert (await store.of(Item).find(Find((Equal("code", "c7"),))))[0].name == "n7"
    assert not reads._idle
    assert len(await store.of(Item).find(Find((Equal("load", "7"),)))) == 20
    assert len(reads._idle) == 1
    for _ in range(300):  # the steps of a prepared statement add up over its runs, and must not count
        await store.of(Item).get("n7")
    with pytest.raises(Exists):
        await store.transact(keep, "n7")


async def test_old_unit_ids_are_swept(open_: Open) -> None:
    """Unit ids go with the inbox notes of their age."""
    store = await open_()
    await store.transact_once("mine", keep, "a")
    assert await store.outcome("mine")
    await store.sweep_inbox(datetime(2100, 1, 1, tzinfo=UTC))
    assert not await store.outcome("mine")
