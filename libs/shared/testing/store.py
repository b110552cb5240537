"""The conformance suite of the store protocol: every adapter is held to it, unchanged.

An adapter's test module subclasses `StoreConformance` and gives three fixtures: `clock`, a VirtualClock; `store`, a
fresh store over `DOCUMENTS` that keeps `KEPT` changes for watchers; and `again`, an async callable that closes the
store and opens the same data anew.
"""

from __future__ import annotations

from libs.shared.testing.store_finds import FindConformance
from libs.shared.testing.store_kinds import DOCUMENTS, KEPT
from libs.shared.testing.store_outbox import OutboxConformance
from libs.shared.testing.store_stamps import StampConformance
from libs.shared.testing.store_units import UnitConformance
from libs.shared.testing.store_watch import WatchConformance


class StoreConformance(UnitConformance, StampConformance, FindConformance, OutboxConformance, WatchConformance):
    """All of it."""


__all__ = ["DOCUMENTS", "KEPT", "StoreConformance"]
