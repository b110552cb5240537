"""The embedded bus as a product: files, locks, crashes, full disks, damaged files."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from libs.shared.bus.embedded import open_bus
from libs.shared.bus.protocol import START
from libs.shared.errors import Broken, Busy, Gone, Invalid
from libs.shared.failpoints import Action, Failpoints
from libs.shared.testing.bus import ALL, drained, envelope, ids
from libs.shared.testing.clock import VirtualClock, eventually

ROOT = Path(__file__).parents[3]


def opened(path, clock=None, failpoints=None, **kwargs):
    return open_bus(path, clock=clock or VirtualClock(), failpoints=failpoints or Failpoints(), **kwargs)


async def test_a_second_opening_names_the_way_out(tmp_path):
    """A log that is open is refused to another, naming the address of a bus for several processes."""
    bus = await opened(tmp_path / "bus.db")
    with pytest.raises(Broken, match="nats://") as refusal:
        await opened(tmp_path / "bus.db")
    assert refusal.value.slug == "bus-in-use"
    await bus.publish([envelope(1)])
    await bus.close()
    again = await opened(tmp_path / "bus.db")
    assert ids((await again.read(START, ALL, 10)).messages) == ["event-1"]
    await again.close()


async def test_closing_leaves_nothing(tmp_path):
    """After close there is no thread, task or lock of the bus, and one file."""
    before = set(threading.enumerate())
    bus = await opened(tmp_path / "bus.db")
    await bus.publish([envelope(1)])
    async with bus.group("mail", ALL) as group:
        await drained(group)
    await bus.close()
    assert set(threading.enumerate()) - before <= {t for t in threading.enumerate() if t.name.startswith("asyncio")}
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert [path.name for path in tmp_path.iterdir()] == ["bus.db"]


async def test_the_log_is_private(tmp_path):
    """Nobody but the user may read the log or its folder."""
    bus = await opened(tmp_path / "data" / "bus.db")
    await bus.publish([envelope(1)])
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "data").iterdir())
    await bus.close()


@pytest.mark.parametrize("content", [b"this is no database, it is a letter to aunt Emma\n" * 50, b"\x00" * 8192])
async def test_a_foreign_file_is_refused(tmp_path, content):
    """A file that is no SQLite file is refused with the remedy, left as it is, and no lock stays."""
    path = tmp_path / "bus.db"
    path.write_bytes(content)
    with pytest.raises(Broken, match="move it away"):
        await opened(path)
    assert path.read_bytes() == content
    assert not (tmp_path / "bus.db.lock").exists()


async def test_another_programs_database_is_refused(tmp_path):
    """A SQLite file of something else is not taken over."""
    connection = sqlite3.connect(tmp_path / "bus.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(Broken) as refusal:
        await opened(tmp_path / "bus.db")
    assert refusal.value.slug == "bus-foreign"


async def test_a_newer_log_is_refused(tmp_path):
    """A log of a newer version is refused, not misread."""
    await (await opened(tmp_path / "bus.db")).close()
    connection = sqlite3.connect(tmp_path / "bus.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(Broken, match="99"):
        await opened(tmp_path / "bus.db")


async def test_a_folder_in_the_way(tmp_path):
    """A path that can't be opened is a clear error."""
    (tmp_path / "bus.db").mkdir()
    with pytest.raises(Broken) as refusal:
        await opened(tmp_path / "bus.db")
    assert refusal.value.slug == "bus-unusable"


async def test_damage_is_told_when_it_is_met(tmp_path):
    """Pages overwritten in the middle of the file give `Broken` naming the file, not wrong messages, at every try:
    what fails to open lets go of the file and of its lock.
    """
    path = tmp_path / "bus.db"
    bus = await opened(path)
    for start in range(0, 400, 100):
        await bus.publish([envelope(n, data=f'"{"x" * 900}"') for n in range(start, start + 100)])
    await bus.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xa5" * (size - 3 * 8192))
    for _ in range(2):
        with pytest.raises(Broken) as damage:
            await _read_all(path)
        assert damage.value.slug == "bus-corrupt"
        assert str(path) in damage.value.text


async def _read_all(path):
    bus = await opened(path)
    try:
        return await bus.read(START, ALL, 500)
    finally:
        await bus.close()


async def test_a_full_disk_is_busy_and_heals(tmp_path):
    """With no room left a publish is refused whole with `Busy`, the bus says that it is not ready, and goes on once
    there is room; nobody sees a message that was refused.
    """
    bus = await opened(tmp_path / "bus.db")
    await bus.publish([envelope(1)])
    pages = bus._log._connection.execute("PRAGMA page_count").fetchone()[0]
    bus._log._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    async with bus.group("mail", ALL) as group:
        with pytest.raises(Busy) as refusal:
            await bus.publish([envelope(n, data=f'"{"x" * 2000}"') for n in range(2, 50)])
        assert refusal.value.slug == "bus-disk-full"
        assert str(tmp_path) in refusal.value.text
        assert refusal.value.public == "the bus can't write now: no space is left"
        assert await drained(group) == ["event-1"]
        bus._log._connection.execute("PRAGMA max_page_count = 1000000")
        await bus.ready()
        await bus.publish([envelope(50)])
        assert await drained(group) == ["event-50"]
    positions = [message.position for message in (await bus.read(START, ALL, 100)).messages]
    assert positions == sorted(set(positions))
    await bus.close()


async def test_a_failed_commit_keeps_nothing(tmp_path):
    """What fails before its commit is not there afterwards, and its id is free."""
    bus = await opened(tmp_path / "bus.db", failpoints=Failpoints({"bus.before-commit": Action("fail", 1)}))
    with pytest.raises(Broken):
        await bus.publish([envelope(1), envelope(2)])
    assert (await bus.read(START, ALL, 10)).messages == []
    await bus.publish([envelope(2)])
    assert ids((await bus.read(START, ALL, 10)).messages) == ["event-2"]
    await bus.close()


async def test_concurrent_publishes_share_commits(tmp_path):
    """A hundred publishers that wait for a slow disk need far fewer than a hundred transactions, and all are told their
    own position.
    """
    failpoints = Failpoints({"bus.before-commit": Action("fail", 1_000_000)})
    bus = await opened(tmp_path / "bus.db", failpoints=failpoints)
    before = failpoints.hits["bus.before-commit"]
    slow = sqlite3.connect(tmp_path / "bus.db", isolation_level=None)
    slow.execute("BEGIN IMMEDIATE")  # as long as a disk that is slow would hold up the first of them
    publishing = asyncio.gather(*(bus.publish([envelope(n)]) for n in range(100)))
    for _ in range(3):
        await asyncio.sleep(0)
    slow.close()
    positions = await publishing
    assert len({position for (position,) in positions}) == 100
    assert failpoints.hits["bus.before-commit"] - before < 50
    messages = (await bus.read(START, ALL, 200)).messages
    for n, (position,) in enumerate(positions):
        assert [m.envelope.id for m in messages if m.position == position] == [f"event-{n}"]
    await bus.close()


async def test_a_cancelled_publish_harms_nobody(tmp_path):
    """A publisher that no longer waits stops neither the writer nor the others."""
    bus = await opened(tmp_path / "bus.db")
    one = asyncio.create_task(bus.publish([envelope(1)]))
    await asyncio.sleep(0)
    one.cancel()
    await bus.publish([envelope(2)])
    assert "event-2" in ids((await bus.read(START, ALL, 10)).messages)
    await bus.close()


async def test_age_waits_for_groups_and_size_does_not(tmp_path):
    """By age nothing goes that a group has not had; by size the oldest goes, and the group is told how much it lost."""
    clock = VirtualClock()
    limits = {"retention_age": timedelta(hours=1), "retention_bytes": 300_000}
    bus = await opened(tmp_path / "bus.db", clock, **limits)
    async with bus.group("slow", ALL):
        await bus.publish([envelope(n) for n in range(100)])
        await clock.advance(7200)
        assert await bus.trim() == 0
    for start in range(100, 600, 100):
        await bus.publish([envelope(n, data=f'"{"x" * 1500}"') for n in range(start, start + 100)])
    removed = await bus.trim()
    assert removed > 100
    async with bus.group("slow", ALL) as group:
        assert await group.lost() == removed
        got = await drained(group, 1000)
        assert got == [f"event-{n}" for n in range(removed, 600)]
    await bus.close()
    bus = await opened(tmp_path / "bus.db", clock, **limits)
    async with bus.group("slow", ALL) as group:
        assert await group.lost() == removed
    with pytest.raises(Gone):
        await bus.read(f"{1:020d}", ALL, 10)
    await bus.close()


async def test_old_messages_go_by_themselves(tmp_path):
    """Retention runs without anybody asking, and positions go on growing when everything is gone."""
    clock = VirtualClock()
    bus = await opened(tmp_path / "bus.db", clock, retention_age=timedelta(hours=1))
    (first,) = await bus.publish([envelope(1)])
    await clock.advance(3700)
    for _ in range(200):
        await clock.advance(10)
        if not (await bus.read(START, ALL, 10)).messages:
            break
        await asyncio.sleep(0.002)
    assert (await bus.read(START, ALL, 10)).messages == []
    await bus.close()
    bus = await opened(tmp_path / "bus.db", clock)
    (second,) = await bus.publish([envelope(2)])
    assert second > first
    await bus.close()


async def test_too_many_waiting_are_turned_away(tmp_path):
    """The queue before the writer is bounded: beyond it a publisher gets `Busy` at once."""
    bus = await opened(tmp_path / "bus.db")
    waiting = [
        asyncio.create_task(bus.publish([envelope(n) for n in range(k, k + 500)])) for k in range(0, 10_000, 500)
    ]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await bus.publish([envelope(n) for n in range(10_000, 10_001)])
    await asyncio.gather(*waiting)
    await bus.publish([envelope(10_001)])
    await bus.close()


async def test_positions_of_nowhere(tmp_path):
    """A position behind the end means another log: gone. A prefix of one is refused."""
    bus = await opened(tmp_path / "bus.db")
    with pytest.raises(Gone):
        await bus.read(f"{7:020d}", ALL, 10)
    for text in ("7", "x" * 20, "٣" * 20, "-" + "0" * 19):
        with pytest.raises(Invalid):
            await bus.read(text, ALL, 10)
    await bus.close()


async def test_a_word_from_a_copy_that_left(tmp_path):
    """Whoever left can no longer acknowledge what another copy was given since."""
    bus = await opened(tmp_path / "bus.db")
    await bus.publish([envelope(1), envelope(2)])
    async with bus.group("mail", ALL) as group:
        (old,) = await group.fetch(10, 1)
    async with bus.group("mail", ALL) as group:
        (new,) = await group.fetch(10, 1)
        await old.ack()
        assert await group.fetch(10, 0) == ()
        await new.ack()
        assert await drained(group) == ["event-2"]
    await bus.close()


PUBLISHER = """
import asyncio, sys
from pathlib import Path
from libs.shared.bus.embedded import open_bus
from libs.shared.failpoints import parsed
from libs.shared.testing.bus import envelope
from libs.shared.values import SystemClock

async def main(path, plan):
    bus = await open_bus(Path(path), clock=SystemClock(), failpoints=parsed(plan))
    async def publisher(k):
        for n in range(k, 100_000, 16):
            await bus.publish([envelope(n)])
            print(n, flush=True)
    await asyncio.gather(*(publisher(k) for k in range(16)))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("plan", ["", "bus.before-commit=kill@20", "bus.after-commit=kill@40"])
async def test_what_was_acknowledged_survives_kill_9(tmp_path, plan):
    """A process killed while it publishes has kept every event that it acknowledged, once; the log opens again."""
    path = tmp_path / "bus.db"
    acknowledged = await asyncio.to_thread(_killed, path, plan)
    assert len(acknowledged) > 30
    bus = await opened(path)
    kept = []
    after = START
    while not (page := await bus.read(after, ALL, 500)).end or page.messages:
        kept += ids(page.messages)
        after = page.next
    assert len(kept) == len(set(kept))
    assert {f"event-{n}" for n in acknowledged} <= set(kept)
    assert await bus.publish([envelope(acknowledged[0])])
    assert (await bus.read(after, ALL, 10)).messages == []
    await bus.close()


def _killed(path, plan):
    command = [sys.executable, "-c", PUBLISHER, str(path), plan]
    with subprocess.Popen(  # noqa: S603  # our own interpreter and text
        command, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as child:
        lines = []
        for line in child.stdout or ():
            lines.append(int(line))
            if not plan and len(lines) == 300:
                child.kill()
        assert child.wait(30) == -signal.SIGKILL
    return lines


async def test_the_lock_of_a_killed_process_is_free(tmp_path):
    """A lock file that a killed process left behind hinders nobody."""
    await asyncio.to_thread(_killed, tmp_path / "bus.db", "bus.before-commit=kill@50")
    assert (tmp_path / "bus.db.lock").exists()
    bus = await opened(tmp_path / "bus.db")
    await bus.close()
    assert not (tmp_path / "bus.db.lock").exists()


async def test_acknowledgements_are_written_behind(tmp_path):
    """What was acknowledged a moment ago survives a crash once a quarter of a second has passed."""
    clock = VirtualClock()
    bus = await opened(tmp_path / "bus.db", clock)
    await bus.publish([envelope(1)])
    async with bus.group("mail", ALL) as group:
        await drained(group)
        await clock.advance(1)
        state = sqlite3.connect(tmp_path / "bus.db")

        def written():
            return '"floor":1' in state.execute("SELECT state FROM cursor").fetchone()[0]

        await eventually(written)
        state.close()
    await bus.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_writer_that_dies_leaves_nobody_waiting(tmp_path):
    """An error that no code foresaw fails the publishers at hand and those to come, instead of hanging them."""

    class Stopped(VirtualClock):
        broken = False

        def __call__(self):
            if self.broken and threading.current_thread() is not threading.main_thread():
                raise ArithmeticError("the clock has stopped")
            return super().__call__()

    clock = Stopped()
    bus = await opened(tmp_path / "bus.db", clock)
    clock.broken = True
    for n in (1, 2):
        with pytest.raises(Broken) as failure:
            await asyncio.wait_for(bus.publish([envelope(n)]), 5)
        assert failure.value.slug == "bus-stopped"
        await asyncio.sleep(0.05)
    await bus.close()
    assert not (tmp_path / "bus.db.lock").exists()
