"""What an operator may set about cluster: `ORRERY_CLUSTER_<FIELD>`."""

from __future__ import annotations

from libs.shared.config import Settings


class ClusterSettings(Settings):
    """Times are in seconds."""
