"""What an operator may set about cluster: `ORRERY_CLUSTER_<FIELD>`."""

from __future__ import annotations

from pydantic import Field

from libs.shared.config import Settings


class ClusterSettings(Settings):
    """Times are in seconds."""

    most_objects: int = Field(default=50_000, ge=100)
    """Objects of one kind that are held in memory; a kind with more is read from the cluster for each request."""
    resync_seconds: float = Field(default=300, ge=1)
    """How often every project is looked at again, whether or not anything was heard of it."""
    retry_seconds: float = Field(default=5, gt=0)
    """After how long a project that could not be set up is tried again."""
