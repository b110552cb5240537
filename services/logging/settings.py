"""What an operator may set about logging: `ORRERY_LOGGING_<FIELD>`."""

from __future__ import annotations

from libs.shared.config import Settings


class LoggingSettings(Settings):
    """Times are in seconds."""
