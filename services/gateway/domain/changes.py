"""Every event that the index takes in, and which source tells it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from libs.shared.event import Event
from services.gateway.domain import areas, feed
from services.gateway.domain.effect import NOTHING, Effect
from services.gateway.domain.index import Index

CHANGES: Mapping[type[Event], areas.Change] = {**feed.CHANGES, **areas.CHANGES}

NAMES = frozenset(event.__name__ for event in CHANGES)
"""The events that the index takes in, by their one spelling."""


def apply(index: Index, event: Event, version: int, at: datetime) -> Effect:
    """Take an event in, whichever it is; an older version, or an event that says nothing here, changes nothing."""
    change = CHANGES.get(type(event))
    return change(index, event, version, at) if change else NOTHING


def source_of(event: type[Event]) -> str:
    """The service that tells it."""
    return event.SERVICE
