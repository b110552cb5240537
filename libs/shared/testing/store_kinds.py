"""What the store's conformance suite keeps and tells, and how its units are made to meet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from libs.shared.event import Event
from libs.shared.store.lease import Lease
from libs.shared.store.protocol import Document, Index, Store
from libs.shared.values import Secret

KEPT = 32
"""How many changes the suite's store keeps for watchers."""

Again = Callable[[], Awaitable[Store]]


class Mood(StrEnum):
    """An enumerated value."""

    calm = "calm"
    brisk = "brisk"


class Owner(BaseModel):
    """A nested object."""

    team: str = ""
    tags: tuple[str, ...] = ()


class Account(Document):
    """One of everything that a document may hold."""

    INDEXES = (
        Index(("email",), unique=True),
        Index(("realm", "number"), unique=True),
        Index(("labels",)),
        Index(("age",)),
        Index(("joined",)),
        Index(("owner.team", "age")),
        Index(("aliases",), unique=True),
    )

    name: str
    email: str = ""
    realm: str | None = None
    number: int | None = None
    labels: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    age: int | None = None
    active: bool = True
    joined: datetime | None = None
    mood: Mood = Mood.calm
    owner: Owner = Owner()
    free: dict[str, Any] = {}  # noqa: RUF012 -- a pydantic default, copied for each document
    password: Secret = Secret("")


class Room(Document):
    """A watched document."""

    WATCHED = True

    name: str
    size: int = 0


class Doctor(Document):
    """Who is on call: the classic of write skew."""

    INDEXES = (Index(("on_call",)),)

    name: str
    on_call: bool = True


DOCUMENTS: tuple[type[Document], ...] = (Account, Room, Doctor, Lease)


class Noted(Event):
    """What the suite's units tell."""

    SERVICE = "suite"

    text: str = ""


class Meeting:
    """Where so many tasks wait for each other once; whoever comes later passes."""

    def __init__(self, size: int) -> None:
        self._missing = size
        self._all = asyncio.Event()

    async def join(self) -> None:
        """Wait until all are here."""
        self._missing -= 1
        if self._missing <= 0:
            self._all.set()
        await self._all.wait()
