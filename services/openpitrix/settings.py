"""What an operator may set about the app store: `ORRERY_OPENPITRIX_<FIELD>`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from libs.shared.config import Settings


class OpenpitrixSettings(Settings):
    """Times are in seconds, sizes in bytes."""

    index_bytes: Annotated[int, Field(ge=1 << 10, le=256 << 20)] = 32 << 20
    """The largest index of a repository that is read."""
    index_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0
    """How long a repository may take to send its index, and again how long reading it may take."""
    index_versions: Annotated[int, Field(ge=1, le=200_000)] = 20_000
    """How many chart versions a repository may have in all."""
    chart_bytes: Annotated[int, Field(ge=1 << 10, le=64 << 20)] = 8 << 20
    """The largest package of a chart."""
    unpacked_bytes: Annotated[int, Field(ge=1 << 10, le=512 << 20)] = 64 << 20
    """The largest chart once unpacked."""
    chart_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0
    """How long a repository may take to send a package."""
    values_bytes: Annotated[int, Field(ge=1 << 10, le=1 << 20)] = 256 << 10
    """The largest values of a release."""
    release_seconds: Annotated[float, Field(gt=0, le=3600)] = 300.0
    """How long an installation, upgrade or removal may take until its workloads are ready, or gone."""
    releases_at_once: Annotated[int, Field(ge=1, le=16)] = 2
    """How many child processes of Helm run at once."""
    retry_first: Annotated[float, Field(gt=0)] = 2.0
    """Pause before a release or an index is tried again; it doubles."""
    retry_most: Annotated[float, Field(gt=0)] = 300.0
    """The longest such pause."""
    repos: Annotated[int, Field(ge=1)] = 200
    """How many repositories a workspace may have."""
    apps: Annotated[int, Field(ge=1)] = 1000
    """How many uploaded apps a workspace may have."""
    versions: Annotated[int, Field(ge=1)] = 200
    """How many uploaded versions an app may have."""
    releases: Annotated[int, Field(ge=1)] = 500
    """How many releases a project may have."""
