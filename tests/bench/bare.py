"""The peer: a loop around bare `sqlite3` that inserts one row and commits, as durably (WAL, synchronous=FULL)."""

from __future__ import annotations

import sqlite3
import time
import uuid
from pathlib import Path

BODY = (
    '{"user":"bob","uid":"0190f0e2","email":"bob@example.com","lang":"en","groups":[],"state":"Active","by":"admin"}'
    * 4
)


def bare_rate(folder: Path, count: int = 2000) -> float:
    """Rows a second."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE row (id TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID")
    began = time.perf_counter()
    for _ in range(count):
        connection.execute("BEGIN")
        connection.execute("INSERT INTO row VALUES (?, ?)", (str(uuid.uuid4()), BODY))
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return count / took
