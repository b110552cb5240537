"""Loops of the app store: indices are read, releases brought about, and what nobody needs is swept."""

from __future__ import annotations

from services.openpitrix.workers import release, repo

WORKERS = (*repo.WORKERS, *release.WORKERS)
