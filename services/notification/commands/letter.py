"""What changes addresses and letters: load, decide, keep, tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from libs.shared.errors import Missing
from libs.shared.store.protocol import Unit
from services.notification.domain import letter as letters
from services.notification.domain.address import Address, forgotten, known
from services.notification.domain.letter import Letter, Patience, Reason, State
from services.notification.domain.texts import Occasion


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


async def resume_letters(unit: Unit, names: Sequence[str], *, at: datetime) -> None:
    """Queue again those of these that were being sent, by a worker that is gone."""
    for letter in await _present(unit, names):
        if letter.state is State.SENDING:
            await unit.of(Letter).put(letters.resume(letter, at))


async def take_letters(unit: Unit, names: Sequence[str]) -> Sequence[Letter]:
    """Begin an attempt with those of these that still wait.

    They are looked up by name: whatever is queued meanwhile would be a conflict with a search, again and again.
    """
    waiting = [letter for letter in await _present(unit, names) if letter.state is State.QUEUED]
    return [await unit.of(Letter).put(letters.begin(letter)) for letter in waiting]


async def _present(unit: Unit, names: Sequence[str]) -> list[Letter]:
    return [letter for name in names if (letter := await unit.of(Letter).look(name)) is not None]


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


async def sweep_letters(unit: Unit, names: Sequence[str]) -> None:
    """Remove those of these letters that were sent or given up."""
    for letter in await _present(unit, names):
        if letter.state in letters.ENDED:
            await unit.of(Letter).drop(letter.id)


async def sweep_addresses(unit: Unit, users: Sequence[str]) -> None:
    """Remove what is left of those of these users who are gone."""
    for user in users:
        address = await unit.of(Address).look(user)
        if address is not None and address.gone:
            await unit.of(Address).drop(user)
