"""What an operator may set about monitoring: `ORRERY_MONITORING_<FIELD>`."""

from __future__ import annotations

from pydantic import Field

from libs.shared.config import Settings


class MonitoringSettings(Settings):
    """Times are in seconds."""

    interval: float = Field(default=15, ge=1, le=300)
    """How often targets are scraped and rules are recorded."""
    first_interval: float = Field(default=5, ge=1, le=300)
    """The same, in the first minute after a start."""
    timeout: float = Field(default=10, gt=0, le=60)
    """How long one target may take to be scraped."""
    keep_days: float = Field(default=7, gt=0, le=3650)
    """Days that samples are kept."""
    keep_mib: int = Field(default=2048, ge=16)
    """Size in MiB beyond which the oldest samples go."""
    series: int = Field(default=100_000, ge=1000)
    """Series that may be written to at one time; samples of further ones are refused and counted."""
    query_seconds: float = Field(default=30, gt=0, le=300)
    """How long one query may take."""
    query_samples: int = Field(default=5_000_000, ge=1000)
    """Samples that one query may look at."""
    queries: int = Field(default=4, ge=1, le=64)
    """Queries that are worked on at one time; others wait."""
