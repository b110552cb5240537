"""Loops of accounts: locks that run out, records and sessions that are kept long enough."""

from __future__ import annotations

from libs.shared.service import Worker
from services.accounts.workers.sweeping import sweep
from services.accounts.workers.unlocking import unlock

WORKERS = (Worker("unlock-users", unlock), Worker("sweep-history", sweep))
