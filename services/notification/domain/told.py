"""What a channel of a receiver was told of a bunch, and so what it is to be told next: each state once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from libs.shared.store.protocol import Document, Index
from services.notification.domain.signal import Signal

AT_ONCE = 100
"""Alerts in one message."""


class Told(Document):
    """The alerts that a channel of a receiver knows to fire: fingerprint -> since when."""

    COLLECTION: ClassVar[str] = "told"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("bunch",)),)

    id: str
    bunch: str
    lane: str
    uid: str
    """Of the receiver: another one of the same name was told nothing."""
    firing: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class News:
    """A message: the alerts that it tells of; `name` is the same for the same news to the same channel."""

    name: str
    signals: tuple[Signal, ...]


def told_id(bunch: str, lane: str) -> str:
    """What names what a channel was told of a bunch."""
    return f"{bunch}/{lane}"


def tell(known: Told, heard: Sequence[Signal], every: Mapping[str, Signal]) -> tuple[Told, list[News]]:
    """What it knows after this, and the messages that make it know. `heard` are the alerts that it is to be told of,
    `every` those of the bunch. Nothing new is no message; an alert that it never was told to fire isn't told to be
    over; one that it is no longer to be told of is forgotten.
    """
    mine = {signal.fingerprint: signal for signal in heard}
    fired = [s for s in heard if s.firing and known.firing.get(s.fingerprint) != s.episode]
    over = [s for s in heard if not s.firing and s.fingerprint in known.firing]
    firing = {s.fingerprint: s.episode for s in heard if s.firing}
    firing |= {
        name: since for name, since in known.firing.items() if name not in mine and name in every and every[name].firing
    }
    after = known.model_copy(update={"firing": firing})
    if not fired and not over:
        return after, []
    changed = json.dumps(
        [known.id, known.uid, sorted((s.fingerprint, s.episode, s.status.value) for s in (*fired, *over))]
    )
    name = hashlib.sha256(changed.encode()).hexdigest()[:32]
    shown = [*fired, *over, *(s for s in heard if s.firing and s not in fired)]
    pages = [tuple(shown[at : at + AT_ONCE]) for at in range(0, len(shown), AT_ONCE)]
    return after, [News(f"{name}-{page}" if page else name, signals) for page, signals in enumerate(pages)]
