"""How many files the process may have open, which bounds its connections before any setting does."""

from __future__ import annotations

import resource
from contextlib import suppress
from dataclasses import replace

from libs.shared.http.limits import Limits

FILES_EACH = 4
"""Of a client's connection in an embedded suite: itself, both ends of the way to a service, and a share of the rest."""


def raise_files() -> None:
    """Take as many as the system gives without asking; the soft limit is often 1024, for the sake of `select`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # not allowed here: the connections are bounded by what there is
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def within_files(limits: Limits) -> Limits:
    """The limits, with no more connections than there are files for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = limits.connections if soft == resource.RLIM_INFINITY else max(1, soft // FILES_EACH)
    return replace(limits, connections=min(limits.connections, most))
