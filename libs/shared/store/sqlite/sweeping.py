"""Removing old rows a bounded number at a time, so that no unit waits for long behind a sweep that has much to do."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from enum import StrEnum
from typing import Final

from libs.shared.store.canonical import moment
from libs.shared.store.sqlite.writer import Writer

SWEPT: Final = 5_000
"""Rows that one transaction removes."""


class Old(StrEnum):
    """What is swept: rows older than the first value, as many as the second says."""

    UNITS = "DELETE FROM units WHERE id IN (SELECT id FROM units WHERE at < ? LIMIT ?)"
    INBOX = "DELETE FROM inbox WHERE (consumer, event) IN (SELECT consumer, event FROM inbox WHERE at < ? LIMIT ?)"
    OUTBOX = "DELETE FROM outbox WHERE position IN (SELECT position FROM outbox WHERE told < ? LIMIT ?)"


async def sweep(writer: Writer, old: Old, older_than: datetime, limit: int = SWEPT) -> int:
    """Remove all rows that are older; how many."""
    values, total = (moment(older_than), limit), 0

    def some(connection: sqlite3.Connection) -> int:
        return connection.execute(old, values).rowcount

    while count := int(await writer.run(some)):
        total += count
        if count < limit:
            break
    return total
