"""The embedded store, as a package: `open_store` is its door."""

from libs.shared.store.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "open_store"]
