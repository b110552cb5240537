"""What changes addresses and letters: load, decide, keep, tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from libs.shared.errors import Missing
from libs.shared.store.protocol import Equal, Find, OneOf, Range, Unit
from services.notification.domain import letter as letters
from services.notification.domain.address import Address, forgotten, known
from services.notification.domain.letter import Letter, Patience, Reason, State
from services.notification.domain.texts import Occasion

INSTANT = timedelta(microseconds=1)
SWEPT = 200
"""Documents removed in one unit."""


async def keep_address(unit: Unit, user: str, *, email: str, lang: str) -> None:
    """Note where the user's letters go."""
    await unit.of(Address).put(known(user, email, lang, unit.at))


async def forget_address(unit: Unit, user: str) -> None:
    """Note that the user is gone; his address is erased."""
    await unit.of(Address).put(forgotten(user, unit.at))


async def queue_letter(unit: Unit, occasion: Occasion, user: str, words: Mapping[str, str]) -> None:
    """Queue a letter about the event that is being reacted to, once. Somebody without an address gets none.

    Raises `Missing` while the user isn't known yet.
    """
    address = await unit.of(Address).look(user)
    if address is None:
        raise Missing("address-unknown", f"the address of {user} is not known yet", resource="addresses", name=user)
    if not address.email:
        return
    reason = Reason(unit.cause.causation, unit.cause.correlation, unit.cause.traceparent)
    letter, event = letters.write(occasion, address, words, reason, unit.at)
    if await unit.of(Letter).look(letter.id) is not None:
        return
    unit.emit(event, subject=f"letters/{letter.id}", about=await unit.of(Letter).put(letter))


async def resume_letters(unit: Unit, *, at: datetime, limit: int) -> int:
    """Queue again what was being sent by a worker that is gone, up to `limit`; how many."""
    left = await unit.of(Letter).find(Find((Equal("state", State.SENDING),), "due_at", limit))
    for letter in left:
        await unit.of(Letter).put(letters.resume(letter, at))
    return len(left)


async def take_letters(unit: Unit, *, at: datetime, limit: int) -> Sequence[Letter]:
    """Begin an attempt with the letters that are due, the longest due first."""
    due = Find((Equal("state", State.QUEUED), Range("due_at", high=at + INSTANT)), "due_at", limit)
    return [await unit.of(Letter).put(letters.begin(letter)) for letter in await unit.of(Letter).find(due)]


async def accept_letter(unit: Unit, name: str, *, at: datetime) -> Letter:
    """Note that a mail server has it."""
    letter, event = letters.accept(await unit.of(Letter).get(name), at)
    letter = await unit.of(Letter).put(letter)
    unit.emit(event, subject=f"letters/{name}", about=letter)
    return letter


async def refuse_letter(unit: Unit, name: str, *, error: str, at: datetime) -> Letter:
    """Give it up."""
    letter, event = letters.refuse(await unit.of(Letter).get(name), error, at)
    letter = await unit.of(Letter).put(letter)
    unit.emit(event, subject=f"letters/{name}", about=letter)
    return letter


async def put_off_letter(unit: Unit, name: str, *, error: str, at: datetime, patience: Patience) -> Letter:
    """Have it tried again later, or give it up."""
    letter, event = letters.put_off(await unit.of(Letter).get(name), error, at, patience)
    letter = await unit.of(Letter).put(letter)
    if event is not None:
        unit.emit(event, subject=f"letters/{name}", about=letter)
    return letter


async def resend_letter(unit: Unit, name: str) -> Letter:
    """Try a letter again that was given up; raises `Missing` and `Conflict`."""
    letter = await unit.of(Letter).look(name)
    if letter is None:
        raise Missing("letter-missing", f"there is no letter {name}", resource="letters", name=name)
    address = await unit.of(Address).look(letter.user) or forgotten(letter.user, unit.at)
    letter, event = letters.resend(letter, address, unit.at)
    letter = await unit.of(Letter).put(letter)
    unit.emit(event, subject=f"letters/{name}", about=letter)
    return letter


async def sweep_letters(unit: Unit, *, before: datetime) -> int:
    """Remove what was sent or given up, and users gone, before this moment, a bounded number; how many."""
    ended = OneOf("state", (State.SENT, State.UNDELIVERABLE))
    old = await unit.of(Letter).find(Find((ended, Range("order", high=f"{before:%Y%m%dT%H%M%S%f}")), "order", SWEPT))
    gone = await unit.of(Address).find(Find((Equal("gone", True), Range("changed_at", high=before)), limit=SWEPT))
    for letter in old:
        await unit.of(Letter).drop(letter.id)
    for address in gone:
        await unit.of(Address).drop(address.user)
    return len(old) + len(gone)
