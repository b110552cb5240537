"""What a node has spent since it began: it goes on growing when the pods that spent it are gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from libs.sandbox.nodes.boxes import Box
from libs.sandbox.nodes.usage import Wave

_OWN: tuple[tuple[str, float], ...] = (
    ("cpu", 0.12),
    ("received", 6_000.0),
    ("sent", 7_500.0),
    ("read", 9_000.0),
    ("written", 42_000.0),
)
"""What a node takes itself, a second: cores, then bytes."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Core seconds and bytes since `began` (Unix seconds), and the cores in use now."""

    began: float
    cpu: float
    received: float
    sent: float
    read: float
    written: float
    cores: float


class Meter:
    """Adds up what a node's containers use from one look to the next. All of it only grows."""

    def __init__(self, node: str, began: float) -> None:
        self._node = node
        self._began = self._seen = began
        self._totals = dict.fromkeys((name for name, _ in _OWN), 0.0)

    def spent(self, boxes: Iterable[Box], now: float) -> Spent:
        """As of now, by the containers that run there now."""
        now = max(now, self._seen)
        waves = {name: Wave(level, f"{self._node}/{name}") for name, level in _OWN}
        cores = waves["cpu"].rate(now)
        for box in boxes:
            usage, since = box.usage, self._seen
            self._totals["cpu"] += usage.cpu_seconds(now) - usage.cpu_seconds(since)
            self._totals["received"] += usage.received_bytes(now) - usage.received_bytes(since)
            self._totals["sent"] += usage.sent_bytes(now) - usage.sent_bytes(since)
            self._totals["read"] += usage.read_bytes(now) - usage.read_bytes(since)
            self._totals["written"] += usage.written_bytes(now) - usage.written_bytes(since)
            cores += usage.cpu_rate(now)
        self._seen = now
        totals = {name: self._totals[name] + wave.total(self._began, now) for name, wave in waves.items()}
        return Spent(self._began, cores=cores, **totals)
