"""Sending to webhooks and chats: one after the other to each, and no slow one holds up another."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from services.notification.commands import notice as commands
from services.notification.domain.letter import Patience
from services.notification.domain.notice import Failure, Notice
from services.notification.domain.object import Receiver
from services.notification.parts import Parts
from services.notification.parts.posting import Post, post
from services.notification.queries import notice as queries

HOUR = 3600.0


async def send_notices(parts: Parts) -> None:
    """Send for ever."""
    busy: set[str] = set()
    async with asyncio.TaskGroup() as tasks:
        while True:
            waiting = await queries.heads(parts.store, busy)
            now = parts.clock()
            due = sorted((one for one in waiting if one.due_at <= now), key=lambda one: one.order)
            for notice in due[: parts.settings.notices_at_once - len(busy)]:
                busy.add(notice.lane)
                tasks.create_task(_send(notice, busy, parts), name=f"send to {notice.lane}")
            if not waiting and not busy:
                await _abandon_orphans(parts)
            later = [(one.due_at - now).total_seconds() for one in waiting if one.due_at > now]
            await parts.bells.notices.wait(max(min([parts.settings.poll, *later]), 0.001))


async def _send(notice: Notice, busy: set[str], parts: Parts) -> None:
    try:
        await send(notice, parts)
    finally:
        busy.discard(notice.lane)
        parts.bells.notices.ring()


async def send(notice: Notice, parts: Parts) -> None:
    """One attempt, and the note of how it ended."""
    receiver = await parts.store.of(Receiver).look(notice.receiver)
    if receiver is None or receiver.uid != notice.uid or not receiver.part(notice.channel):
        why = "the receiver is gone"
        await parts.store.transact(commands.abandon_notice, notice.id, why=why, at=parts.clock())
        return
    with parts.journal.sending(notice):
        parts.failpoints.hit("notice.before-send")
        outcome = await post(receiver, Post(notice.id, notice.channel, notice.body), parts)
        parts.failpoints.hit("notice.after-send")
        await _note(notice, outcome, parts)


async def _note(notice: Notice, outcome: int | Failure, parts: Parts) -> None:
    if isinstance(outcome, int):
        await parts.store.transact(commands.note_delivered, notice.id, status=outcome, at=parts.clock())
        parts.journal.sent(notice, "delivered")
        return
    settings = parts.settings
    await parts.store.transact(
        commands.put_off_notice,
        notice.id,
        outcome,
        at=parts.clock(),
        patience=Patience(settings.retry_first, settings.retry_most, settings.give_up),
    )
    parts.journal.sent(notice, "refused" if outcome.last else "failed", outcome.text)


async def _abandon_orphans(parts: Parts) -> None:
    """Give up what waits for receivers that are gone."""
    for name in await queries.orphans(parts.store):
        why = "the receiver is gone"
        await parts.store.transact(commands.abandon_notice, name, why=why, at=parts.clock())


async def sweep_notices(parts: Parts) -> None:
    """Remove old ones, a bounded number in a unit, once an hour."""
    while True:
        before = parts.clock() - timedelta(days=parts.settings.keep_days)
        while names := await queries.ended_notices(parts.store, before):
            await parts.store.transact(commands.sweep_notices, names)
        await parts.clock.sleep(HOUR)
