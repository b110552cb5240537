"""What an operator may set about mesh: `ORRERY_MESH_<FIELD>`."""

from __future__ import annotations

from libs.shared.config import Settings


class MeshSettings(Settings):
    """Times are in seconds."""
