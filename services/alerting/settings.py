"""What an operator may set about alerting: `ORRERY_ALERTING_<FIELD>`."""

from __future__ import annotations

from libs.shared.config import Settings


class AlertingSettings(Settings):
    """Times are in seconds."""
