"""Loops: they come round by the clock, and a large snapshot is told whole."""

from __future__ import annotations

import asyncio

from libs.shared.store.protocol import Unit
from services.accounts.commands.session import end_session
from services.accounts.domain.session import Session
from services.accounts.domain.user import State, User
from services.accounts.queries.index import PAGE, index
from services.accounts.tests.stage import Stage
from services.accounts.tests.test_sessions import begun, tries
from services.accounts.workers import WORKERS


async def test_loops_come_round(stage: Stage) -> None:
    """Hosting runs them under leases; a lock comes off within a second of its time, expired sessions go."""
    assert {worker.name for worker in WORKERS} == {"unlock-users", "sweep-history"}
    assert all(worker.lease for worker in WORKERS)
    await stage.user("bob")
    session = await begun(stage)
    for _ in range(5):
        await tries(stage, "bob", "no")
    tasks = [asyncio.ensure_future(worker.run(stage.parts)) for worker in WORKERS]
    users, sessions = stage.parts.store.of(User), stage.parts.store.of(Session)
    while (await users.get("bob")).state == State.LOCKED or await sessions.look(session.id) is not None:
        await stage.clock.advance(200)
        await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(await stage.named("UserUnlocked")) == 1


async def test_a_large_snapshot_is_told_whole(stage: Stage) -> None:
    """More users than a page, each once, whatever stands between the pages."""
    more = PAGE * 2 + 7

    async def people(unit: Unit) -> None:
        for number in range(more):
            name = f"u{number:05}"
            await unit.of(User).add(User(name=name, uid=name, created_at=stage.clock()))

    await stage.do(people)
    lines = index(stage.parts.store, at=stage.clock())
    seen = [subject async for subject, _, _ in lines if subject.startswith("users/")]
    assert len(seen) == len(set(seen)) == more + 1


async def test_ended_sessions_stay_in_the_snapshot_until_they_expire(stage: Stage) -> None:
    """A gateway that starts late still refuses tokens that were cut off before their time."""
    await stage.user("bob")
    session, _ = await begun(stage), await begun(stage)
    await stage.do(end_session, session.id, "logout")
    assert [s async for s, _, _ in index(stage.parts.store, at=stage.clock()) if s.startswith("sessions/")] == [
        f"sessions/{session.id}"
    ]
    await stage.clock.advance(14_401)
    assert not [s async for s, _, _ in index(stage.parts.store, at=stage.clock()) if s.startswith("sessions/")]
