"""What an operator may set about the event log: `ORRERY_EVENTS_<FIELD>`."""

from __future__ import annotations

from pydantic import Field

from libs.shared.config import Settings


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
