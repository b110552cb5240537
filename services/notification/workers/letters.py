"""Sending what is queued, and removing what is old. The only writer to the mail server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from email.headerregistry import Address as MailAddress

from libs.shared.errors import Busy, Fault
from services.notification.commands import letter as commands
from services.notification.domain.letter import Letter, Patience, Refused, Unreachable
from services.notification.domain.message import composed
from services.notification.parts import Courier, Parts
from services.notification.parts.offices import Office, office_of
from services.notification.queries import letter as queries

HOUR = 3600.0


async def send_letters(parts: Parts) -> None:
    """Send for ever. What a predecessor had begun is begun again: it may arrive twice, under one Message-ID."""
    while names := await queries.begun_letters(parts.store, parts.settings.batch):
        await parts.store.transact(commands.resume_letters, names, at=parts.clock())
    while True:
        names = await queries.due_letters(parts.store, parts.clock(), parts.settings.batch)
        if names:
            await send_round(await parts.store.transact(commands.take_letters, names), parts)
        else:
            await parts.bells.letters.wait(await until_due(parts))


async def until_due(parts: Parts) -> float:
    """Seconds until a letter is due, at most the poll's."""
    due = await queries.next_due(parts.store)
    waits = parts.settings.poll if due is None else (due - parts.clock()).total_seconds()
    return min(max(waits, 0.001), parts.settings.poll)


async def send_round(letters: Sequence[Letter], parts: Parts) -> None:
    """Send what goes by each mail server, all at once: one that is down holds up nobody else's letters."""
    ways = dict.fromkeys(letter.via for letter in letters)
    async with asyncio.TaskGroup() as tasks:
        for via in ways:
            tasks.create_task(send_by(via, [letter for letter in letters if letter.via == via], parts))


async def send_by(via: str, letters: Sequence[Letter], parts: Parts) -> None:
    """Share the letters out to a few couriers; what none of them could take anywhere is put off."""
    try:
        office = await office_of(via, parts)
    except Fault as wrong:  # a password that can't be opened, certificates that are none
        for letter in letters:
            await put_off(letter, Unreachable(wrong.slug, wrong.text), parts)
        return
    waiting = iter(letters)
    async with asyncio.TaskGroup() as couriers:
        runs = [
            couriers.create_task(carry(waiting, office, parts))
            for _ in range(min(parts.settings.connections, len(letters)))
        ]
    faults = [fault for run in runs if (fault := run.result()) is not None]
    for letter in waiting:
        await put_off(letter, faults[0], parts)


async def carry(waiting: Iterator[Letter], office: Office, parts: Parts) -> Unreachable | None:
    """One courier takes letters until none waits, or until it gets nowhere: then why."""
    try:
        async with office.postman.visit() as courier:
            for letter in waiting:
                await hand_over(letter, courier, office.sender, parts)
    except Unreachable as fault:
        return fault
    return None


async def hand_over(letter: Letter, courier: Courier, sender: MailAddress, parts: Parts) -> None:
    """One attempt, and the note of how it ended, in a unit of its own. Raises `Unreachable` after noting it."""
    with parts.journal.attempt(letter):
        parts.failpoints.hit("mail.before-send")
        try:
            await courier.deliver(composed(letter, sender), letter.to)
        except Refused as fault:
            ended = await parts.store.transact(commands.refuse_letter, letter.id, error=fault.text, at=parts.clock())
            parts.journal.note(ended, fault.slug)
            return
        except Busy as fault:
            await put_off(letter, fault, parts)
            if isinstance(fault, Unreachable):
                raise
            return
        parts.failpoints.hit("mail.after-accepted")
        parts.journal.note(await parts.store.transact(commands.accept_letter, letter.id, at=parts.clock()))


async def put_off(letter: Letter, fault: Busy, parts: Parts) -> None:
    """Note that it could not be sent now."""
    settings = parts.settings
    ended = await parts.store.transact(
        commands.put_off_letter,
        letter.id,
        error=fault.text,
        at=parts.clock(),
        patience=Patience(settings.retry_first, settings.retry_most, settings.give_up),
    )
    parts.journal.note(ended, fault.slug)


async def sweep_letters(parts: Parts) -> None:
    """Remove old letters, a bounded number in a unit, once an hour."""
    while True:
        before = parts.clock() - timedelta(days=parts.settings.keep_days)
        while names := await queries.old_letters(parts.store, before):
            await parts.outlets.postman.forget(
                names
            )  # first: what is forgotten here could not be removed there any more
            await parts.store.transact(commands.sweep_letters, names)
        while users := await queries.gone_users(parts.store, before):
            await parts.store.transact(commands.sweep_addresses, users)
        await parts.clock.sleep(HOUR)
