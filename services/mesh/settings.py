"""What an operator may set about the mesh: `ORRERY_MESH_<FIELD>`."""

from __future__ import annotations

from pydantic import Field

from libs.shared.config import Settings


class MeshSettings(Settings):
    """Times are in seconds."""

    resync_seconds: float = Field(default=300, gt=0)
    """How often every service's routing is compared with what it should be, besides at each change."""
    retry_seconds: float = Field(default=2, gt=0)
    """After which a service whose routing could not be written is tried again; it doubles up to resync_seconds."""
    trace_bytes: int = Field(default=32 << 20, ge=1 << 20, le=1 << 30)
    """Bytes of spans that are kept in memory; beyond, the oldest traces go."""
    trace_seconds: float = Field(default=3600, gt=0)
    """How long a trace is kept."""
