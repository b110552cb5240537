"""The sender: against a real mail server, over failures, over its own death."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from libs.shared import failpoints
from libs.shared.contracts.accounts_v1 import UserCreated
from libs.shared.contracts.notification_v1 import LetterUndeliverable
from libs.shared.store.protocol import Unit
from services.notification.domain.letter import Letter, State
from services.notification.parts import Parts
from services.notification.queries import letter as queries
from services.notification.tests.mailserver import MailServer
from services.notification.tests.stage import (
    TRACE,
    advance,
    failing,
    letters,
    opened,
    outbox,
    sending,
    told,
    until,
    virtual,
)
from services.notification.workers import WORKERS
from services.notification.workers import letters as workers


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


@pytest.fixture
async def parts(tmp_path: Path, server: MailServer) -> AsyncIterator[Parts]:
    async with opened(tmp_path, f"smtp://127.0.0.1:{server.port}", retry_first=10, retry_most=100, give_up=300) as made:
        yield made


async def queue(parts: Parts, *users: str) -> None:
    for user in users:
        await told(parts, UserCreated(user=user, email=f"{user}@example.com", by="admin"), f"event-{user}")
    parts.bells.letters.ring()


async def every(parts: Parts, state: State) -> bool:
    return all(one.state is state for one in await letters(parts))


async def quiet(parts: Parts, count: int = 1) -> bool:
    """Whether the worker sleeps with nothing to do now, after `count` attempts."""
    found = await letters(parts)
    due = [one for one in found if one.state is State.QUEUED and one.due_at <= parts.clock()]
    sending = [one for one in found if one.state is State.SENDING]
    return sum(one.attempts for one in found) >= count and not due and not sending and virtual(parts).sleepers > 0


async def test_what_is_queued_is_sent_once(parts: Parts, server: MailServer) -> None:
    """Many letters, few connections: each arrives once, and that is noted and told."""
    async with sending(parts):
        await queue(parts, *(f"u{n}" for n in range(60)))
        await until(lambda: every(parts, State.SENT))
    assert sorted(str(one["To"]) for one in server.letters) == sorted(f"u{n}@example.com" for n in range(60))
    assert server.connections <= 20
    sent = await letters(parts)
    assert all(one.sent_at is not None and one.attempts == 1 for one in sent)
    assert (await outbox(parts)).count("LetterSent") == 60


async def test_a_ring_wakes_the_worker(parts: Parts, server: MailServer) -> None:
    """A letter leaves at once, without any time passing."""
    async with sending(parts):
        await until(lambda: idle(parts))
        await queue(parts, "bob")
        await until(lambda: every(parts, State.SENT))
    assert parts.clock.monotonic() == 0


async def idle(parts: Parts) -> bool:
    return virtual(parts).sleepers > 0


async def test_not_now_is_tried_again_after_a_pause(parts: Parts, server: MailServer) -> None:
    """4yz: nothing happens until the pause has passed; then it goes through under the same Message-ID."""
    server.next.recipients = ["451 later", "421 later still"]
    async with sending(parts):
        await queue(parts, "bob")
        await until(lambda: quiet(parts))
        (waiting,) = await letters(parts)
        assert (waiting.state, waiting.attempts) == (State.QUEUED, 1)
        assert "451 later" in waiting.last_error
        await advance(parts, 4)
        assert (await letters(parts))[0].attempts == 1
        await advance(parts, 6)
        await until(lambda: quiet(parts, 2))
        await advance(parts, 20)
        await until(lambda: every(parts, State.SENT))
    (sent,) = await letters(parts)
    assert (sent.attempts, sent.last_error) == (3, "")
    assert [one["Message-ID"] for one in server.letters] == [waiting.message_id]


async def test_a_refused_recipient_is_given_up_and_told(parts: Parts, server: MailServer) -> None:
    """5yz: undeliverable at once, told without the address; the others are sent."""
    server.next.recipients = ["550 5.1.1 unknown"]
    async with sending(parts):
        await queue(parts, "bob")
        await until(lambda: every(parts, State.UNDELIVERABLE))
        await queue(parts, "carol")
        await until(lambda: quiet(parts, 2))
    states = {one.user: one.state.value for one in await letters(parts)}
    assert states == {"bob": "undeliverable", "carol": "sent"}
    (event,) = [r.envelope for r in await parts.store.outbox.waiting(99) if r.envelope.name == "LetterUndeliverable"]
    assert "@" not in LetterUndeliverable.model_validate_json(event.data).reason
    assert LetterUndeliverable.model_validate_json(event.data).reason == "refused"


async def test_nobody_there_ends_in_giving_up(parts: Parts, server: MailServer) -> None:
    """A server that always says not now: tried again and again, then given up. (How long exactly: test_domain.)"""
    server.next.recipients = ["450 no"] * 1000
    async with sending(parts):
        await queue(parts, "bob")
        for _ in range(80):
            await until(lambda: quiet(parts))
            await advance(parts, 5)
    (lost,) = await letters(parts)
    assert lost.state is State.UNDELIVERABLE
    assert 4 <= lost.attempts <= 12


async def test_a_server_that_is_down_costs_one_try_a_round(tmp_path: Path) -> None:
    """No connection: all letters of the round wait with the reason, each keeps its place, none is lost."""
    with MailServer() as gone:
        address = f"smtp://127.0.0.1:{gone.port}"
    async with opened(tmp_path, address, retry_first=10) as parts, sending(parts):
        await queue(parts, "bob", "carol", "dora")
        await until(lambda: quiet(parts, 3))
        found = await letters(parts)
        assert {one.state for one in found} == {State.QUEUED}
        assert all("no letter can be handed over" in one.last_error for one in found)


async def test_killed_between_acceptance_and_note(tmp_path: Path, server: MailServer) -> None:
    """Dying after the server's yes: the successor sends again, under the same Message-ID, and notes it."""
    address = f"smtp://127.0.0.1:{server.port}"
    async with opened(tmp_path, address) as parts:
        await queue(parts, "bob")
        dying = failing(parts, failpoints.parsed("mail.after-accepted=fail"))
        async with sending(dying) as task:
            await until(lambda: done(task))
            assert task.exception() is not None
    async with opened(tmp_path, address) as parts:
        (left,) = await letters(parts)
        assert left.state is State.SENDING
        async with sending(parts):
            await until(lambda: every(parts, State.SENT))
    assert [one["Message-ID"] for one in server.letters] == [left.message_id] * 2


async def test_killed_before_sending(tmp_path: Path, server: MailServer) -> None:
    """Dying before the server was told: the letter arrives once."""
    address = f"smtp://127.0.0.1:{server.port}"
    async with opened(tmp_path, address) as parts:
        await queue(parts, "bob")
        async with sending(failing(parts, failpoints.parsed("mail.before-send=fail"))) as task:
            await until(lambda: done(task))
            assert task.exception() is not None
        assert server.letters == []
        async with sending(parts):
            await until(lambda: every(parts, State.SENT))
    assert len(server.letters) == 1


async def done(task: asyncio.Task[None]) -> bool:
    return task.done()


async def test_the_trace_goes_on_to_the_mail(parts: Parts, server: MailServer) -> None:
    """The letter carries the trace of the request that caused it, and so does the event that it was sent."""
    async with sending(parts):
        await queue(parts, "bob")
        await until(lambda: every(parts, State.SENT))
    assert server.letters[0]["X-Orrery-Trace"] == TRACE
    (event,) = [row.envelope for row in await parts.store.outbox.waiting(9) if row.envelope.name == "LetterSent"]
    assert event.traceparent.split("-")[1] == TRACE.split("-")[1]
    assert (event.causationid, event.correlationid, event.actor) == ("event-bob", "chain", "system:notification")


async def test_the_outbox_folder(tmp_path: Path) -> None:
    """Without a mail server the letters lie in the folder, and count as sent."""
    async with opened(tmp_path) as parts, sending(parts):
        await queue(parts, "bob", "carol")
        await until(lambda: every(parts, State.SENT))
        assert len(list((tmp_path / "mail").glob("*.eml"))) == 2


async def test_files_of_old_letters_go(tmp_path: Path) -> None:
    """What is no longer kept is in no folder either; another's file of like name stays."""
    async with opened(tmp_path) as parts:
        async with sending(parts):
            await queue(parts, "bob", "carol")
            await until(lambda: every(parts, State.SENT))
        (tmp_path / "mail" / "mine.eml").write_text("an operator's")
        task = asyncio.create_task(workers.sweep_letters(parts))
        await until(lambda: idle(parts))
        assert len(list((tmp_path / "mail").iterdir())) == 3
        await advance(parts, 91 * 86400)
        await until(lambda: left(parts, 0))
        task.cancel()
        assert [file.name for file in (tmp_path / "mail").iterdir()] == ["mine.eml"]


async def test_old_letters_go(parts: Parts) -> None:
    """Sent and given-up letters are removed after the set time, in bounded units; waiting ones never."""
    await queue(parts, *(f"u{n}" for n in range(queries.SWEPT + 5)), "waiting")

    async def age(unit: Unit) -> None:
        for one in await unit.of(Letter).find():
            if one.user != "waiting":
                await unit.of(Letter).put(one.model_copy(update={"state": State.SENT}))

    await parts.store.transact(age)
    assert await queries.old_letters(parts.store, parts.clock()) == []
    task = asyncio.create_task(workers.sweep_letters(parts))
    await until(lambda: idle(parts))
    assert len(await letters(parts)) == queries.SWEPT + 6
    await advance(parts, 91 * 86400)
    await until(lambda: left(parts, 1))
    task.cancel()
    assert [one.user for one in await letters(parts)] == ["waiting"]


async def test_what_is_queued_meanwhile_is_no_conflict(parts: Parts) -> None:
    """The sender takes letters while others are queued without pause: it never gives up for that."""
    async with sending(parts) as task:
        await asyncio.gather(*(queue(parts, *(f"u{n}-{k}" for k in range(10))) for n in range(10)))
        await until(lambda: every(parts, State.SENT))
        assert not task.done()


async def left(parts: Parts, number: int) -> bool:
    return len(await letters(parts)) == number


def test_workers_run_under_a_lease() -> None:
    """Two copies of the service never send at the same time."""
    assert all(worker.lease for worker in WORKERS)
