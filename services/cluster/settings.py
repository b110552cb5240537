"""What an operator may set about cluster: `ORRERY_CLUSTER_<FIELD>`."""

from __future__ import annotations

from pydantic import Field

from libs.shared.config import Settings


class ClusterSettings(Settings):
    """Times are in seconds."""

    held_mib: int = Field(default=128, ge=1)
    """Megabytes of the cluster's objects that are held in memory; a kind that does not fit is read from the cluster for
    each request. Namespaces, roles and bindings are held in any case."""
    resync_seconds: float = Field(default=300, ge=1)
    """How often every project is looked at again, whether or not anything was heard of it."""
    retry_seconds: float = Field(default=5, gt=0)
    """After how long a project that could not be set up is tried again."""
    settle_seconds: float = Field(default=5, gt=0)
    """How long a request that gives a member another role waits until the cluster has done it."""
