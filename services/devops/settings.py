"""What an operator may set about devops: `ORRERY_DEVOPS_<FIELD>`."""

from __future__ import annotations

from pydantic import Field

from libs.shared.config import Settings


class DevopsSettings(Settings):
    """Times are in seconds, sizes in MiB."""

    runs: int = Field(default=4, ge=1, le=64)
    """Runs at one time; more wait their turn."""
    processes_at_once: int = Field(default=4, ge=1, le=256)
    """Steps that are processes at one time, of all runs."""
    processes: int = Field(default=256, ge=4, le=10_000)
    """Processes of one step at one time; one with more is killed."""
    memory_mib: int = Field(default=4096, ge=64)
    """Memory that one process of a step may address."""
    file_mib: int = Field(default=1024, ge=1)
    """The largest file that a step may write."""
    workspace_mib: int = Field(default=4096, ge=1)
    """All files of a run; a step that goes past that is killed."""
    log_mib: int = Field(default=16, ge=1, le=1024)
    """The log of one run; a step that fills it is killed."""
    artifacts_mib: int = Field(default=256, ge=1)
    """What one run may archive."""
    run_seconds: float = Field(default=6 * 3600, gt=0, le=30 * 86400)
    """The longest that a run takes that says nothing of a timeout."""
    post_seconds: float = Field(default=600, gt=0)
    """The longest that what is done after a stopped run takes."""
    keep_runs: int = Field(default=200, ge=1, le=10_000)
    """Runs that are kept of a pipeline, where its own settings don't say less."""
    poll: float = Field(default=1, gt=0, le=60)
    """How often is looked for what nothing woke the worker for."""
