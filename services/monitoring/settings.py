"""What an operator may set about monitoring: `ORRERY_MONITORING_<FIELD>`."""

from __future__ import annotations

from libs.shared.config import Settings


class MonitoringSettings(Settings):
    """Times are in seconds."""
