"""GENERATED from proto/orrery/events/v1/events.proto by proto/generate.py: change that, then run `make proto`."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.contracts.wire import Int64
from libs.shared.event import Event


class LogInterrupted(Event):
    """The bus no longer kept what the log had not read yet, so that is missing from it. Its subject is log/entries."""

    SERVICE: ClassVar[str] = "events"

    after: str = ""
    """The bus's position that the log had read up to."""
    position: Int64 = 0
    """The log's own last position before the gap."""


EVENTS: tuple[type[Event], ...] = (
    LogInterrupted,
)
