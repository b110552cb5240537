"""What an operator may set about the event log: `ORRERY_EVENTS_<FIELD>`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from libs.shared.config import Settings

FEWEST = 10_000


def _enough(value: int) -> int:
    """Streams look at the last entries to tell what their readers may see."""
    if value and value < FEWEST:
        raise ValueError(f"should be 0, for ever, or {FEWEST} or more")
    return value


class EventsSettings(Settings):
    """Times are in seconds."""

    heartbeat: float = Field(default=15, gt=0)
    """How often a stream says that it is alive."""
    poll: float = Field(default=1, gt=0)
    """How often a process looks for entries that another process mirrored."""
    streams: int = Field(default=4096, ge=1)
    """Streams at one time, in one process."""
    streams_per_user: int = Field(default=16, ge=1)
    """Streams of one user at one time, in one process."""
    depth: int = Field(default=4096, ge=1)
    """How many entries a stream may lie behind before it is cut."""
    patience: float = Field(default=10, gt=0)
    """How long a stream's reader may take nothing before it is cut."""
    keep_days: int = Field(default=400, ge=0)
    """Days that an entry is kept; 0 for ever."""
    keep_entries: Annotated[int, AfterValidator(_enough)] = 5_000_000
    """How many entries are kept, 10,000 or more; 0 for all."""
    sweep_seconds: float = Field(default=60, gt=0)
    """How often entries beyond that are removed."""
    subscriptions: int = Field(default=1000, ge=0)
    """Subscriptions in all."""
    subscriptions_per_user: int = Field(default=20, ge=0)
    """Subscriptions of one user."""
    deliveries_at_once: int = Field(default=8, ge=1, le=64)
    """Events, each of another subject, that are posted to one receiver at one time."""
    delivery_timeout: float = Field(default=10, gt=0, le=60)
    """How long a receiver may take to answer."""
    retry_first: float = Field(default=5, gt=0)
    """Pause after the first failed attempt; it doubles with each further one."""
    retry_most: float = Field(default=3600, gt=0)
    """The longest pause between attempts."""
    give_up: float = Field(default=86400, gt=0)
    """How long a delivery is tried before it is abandoned, and those behind it go on."""
    keep_deliveries_days: int = Field(default=7, ge=1)
    """Days that what became of a delivery is kept."""
