"""Keeping what is known of users."""

from __future__ import annotations

from libs.shared.store.protocol import Unit
from services.devops.domain.person import Person


async def keep_person(unit: Unit, person: Person) -> None:
    """Note a user's present form."""
    await unit.of(Person).put(person)


async def note_state(unit: Unit, name: str, state: str) -> None:
    """Note that he may sign in, or not; one who isn't known is passed over."""
    person = await unit.of(Person).look(name)
    if person is not None:
        await unit.of(Person).put(person.model_copy(update={"state": state}))


async def forget_person(unit: Unit, name: str) -> None:
    """Forget a user."""
    if await unit.of(Person).look(name) is not None:
        await unit.of(Person).drop(name)
