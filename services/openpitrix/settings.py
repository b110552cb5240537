"""What an operator may set about openpitrix: `ORRERY_OPENPITRIX_<FIELD>`."""

from __future__ import annotations

from libs.shared.config import Settings


class OpenpitrixSettings(Settings):
    """Times are in seconds."""
