"""What an operator may set about logging: `ORRERY_LOGGING_<FIELD>`."""

from __future__ import annotations

from pydantic import Field

from libs.shared.config import Settings


class LoggingSettings(Settings):
    """Times are in seconds."""

    keep_days: int = Field(default=7, ge=1, le=3650)
    """Days that documents are kept; what is older when it comes is kept so long from then on."""
    keep_bytes: int = Field(default=2 << 30, ge=64 << 20)
    """Bytes that the indices may take; beyond, the oldest days go."""
    most_days: int = Field(default=400, ge=8, le=4000)
    """Days of one kind that there may be; a document of one more day is refused."""
    sweep_seconds: float = Field(default=60, gt=0)
    """How often days beyond that are removed, and writers with nothing to do closed."""
    query_seconds: float = Field(default=20, gt=0)
    """How long a query may take."""
    export_lines: int = Field(default=100_000, ge=1)
    """Lines that an export holds at most."""
    streams: int = Field(default=256, ge=1)
    """Containers whose logs are followed at one time."""
    poll: float = Field(default=5, gt=0)
    """How often a container that could not be followed is tried again."""
    audit_reads: bool = False
    """Whether audit records of requests that only read are kept, too; refused ones always are."""
