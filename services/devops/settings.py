"""What an operator may set about devops: `ORRERY_DEVOPS_<FIELD>`."""

from __future__ import annotations

from libs.shared.config import Settings


class DevopsSettings(Settings):
    """Times are in seconds."""
