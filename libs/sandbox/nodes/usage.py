"""How much a container uses, as closed-form functions of time: nothing is computed until somebody asks, and a counter
asked for twice has the same value.

A rate is `level * (1 + sum of slow waves)`: a day, and three that don't repeat together, so that it looks like noise.
Amplitudes add up to less than one, hence rates are positive and counters (their integrals) only grow.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass

DAY = 86_400.0
_WAVES = ((DAY, 0.25), (3_607.0, 0.12), (613.0, 0.15), (97.0, 0.18), (31.0, 0.1))
"""Period in seconds, and amplitude as a share of the level."""
PEAK = 1 + sum(share for _, share in _WAVES)
"""How far above its level a rate can get."""
_DAWN = 0.2
"""Share of a turn by which the day's wave is ahead."""
_WARM_UP = 45.0
"""Seconds in which memory approaches its level."""
_BUSY_START = 0.6
"""CPU seconds, at most, that starting takes."""


def noise(*parts: object) -> float:
    """A number in [0, 1) that these parts always give, and that tells nothing about its neighbours."""
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / (1 << 64)


def _angle(period: float, phase: float, at: float) -> float:
    return math.tau * ((at / period + phase) % 1.0)


@dataclass(frozen=True, slots=True)
class Wave:
    """A positive rate around `level` a second, with phases that its seed decides. Times are Unix seconds."""

    level: float
    seed: str

    def rate(self, at: float) -> float:
        """The rate at this moment."""
        waves = zip(_WAVES, self._phases(), strict=True)
        return self.level * (1 + sum(share * math.sin(_angle(period, phase, at)) for (period, share), phase in waves))

    def total(self, begin: float, end: float) -> float:
        """What it adds up to from one time to another."""
        phases = self._phases()
        return max(0.0, self._integral(phases, end) - self._integral(phases, begin))

    def _integral(self, phases: Iterable[float], at: float) -> float:
        waves = zip(_WAVES, phases, strict=True)
        turns = sum(share * period / math.tau * math.cos(_angle(period, phase, at)) for (period, share), phase in waves)
        return self.level * (at - turns)

    def _phases(self) -> Iterable[float]:
        """One for each wave, as shares of a turn: the day is the same for all, the others are the seed's."""
        digest = hashlib.blake2b(self.seed.encode(), digest_size=8 * (len(_WAVES) - 1)).digest()
        return (_DAWN, *(number / (1 << 64) for (number,) in struct.iter_unpack(">Q", digest)))


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a container asked for and may use: cores and bytes; 0 for nothing said."""

    cpu_request: float = 0
    cpu_limit: float = 0
    memory_request: float = 0
    memory_limit: float = 0


@dataclass(frozen=True, slots=True)
class Used:
    """One container's use as of a moment: core seconds and bytes since it started, cores and bytes now."""

    cpu: float
    cores: float
    working: int
    shared: int
    cache: int
    received: float
    sent: float
    read: float
    written: float


@dataclass(frozen=True, slots=True)
class Usage:
    """One container's use. `started` is when it began to run."""

    seed: str
    bounds: Bounds
    started: float

    def shared_bytes(self, at: float) -> int:
        """Of the working set, what is mapped from files and not its own."""
        return int(0.12 * self.memory_bytes(at))

    def cpu_rate(self, at: float) -> float:
        """Cores in use."""
        return self._cpu.rate(at) if at >= self.started else 0.0

    def cpu_seconds(self, at: float) -> float:
        """Core seconds since it started; only grows."""
        age = at - self.started
        if age <= 0:
            return 0.0
        burst = min(_BUSY_START, 4 * self._cpu.level)
        return burst * (1 - math.exp(-age / 2)) + self._cpu.total(self.started, at)

    def memory_bytes(self, at: float) -> int:
        """The working set: warms up, then follows its wave, and stays below the limit."""
        age = at - self.started
        if age < 0:
            return 0
        level = self._memory_level()
        warm = 1 - 0.7 * math.exp(-age / _WARM_UP)
        wave = 1 + 0.08 * math.sin(math.tau * (at / 1_801 % 1 + noise(self.seed, "m")))
        return int(level * warm * wave)

    def cache_bytes(self, at: float) -> int:
        """File cache beyond the working set: grows with age, up to a quarter of it."""
        age = max(0.0, at - self.started)
        room = (self.bounds.memory_limit or math.inf) - self.memory_bytes(at)
        return int(max(0.0, min(room, 0.25 * self._memory_level() * (1 - math.exp(-age / 3_600)))))

    def received_bytes(self, at: float) -> float:
        """Bytes received since it started; only grows."""
        return Wave(200 + 60_000 * self._cpu.level, self.seed + "rx").total(self.started, max(at, self.started))

    def sent_bytes(self, at: float) -> float:
        """Bytes sent since it started; only grows."""
        return Wave(300 + 90_000 * self._cpu.level, self.seed + "tx").total(self.started, max(at, self.started))

    def written_bytes(self, at: float) -> float:
        """Bytes written to disk since it started; only grows."""
        return Wave(512 + 40_000 * self._cpu.level, self.seed + "io").total(self.started, max(at, self.started))

    def read_bytes(self, at: float) -> float:
        """Bytes read from disk since it started; only grows."""
        return Wave(128 + 9_000 * self._cpu.level, self.seed + "ro").total(self.started, max(at, self.started))

    def used(self, at: float) -> Used:
        """All of it at once."""
        return Used(
            cpu=self.cpu_seconds(at),
            cores=self.cpu_rate(at),
            working=self.memory_bytes(at),
            shared=self.shared_bytes(at),
            cache=self.cache_bytes(at),
            received=self.received_bytes(at),
            sent=self.sent_bytes(at),
            read=self.read_bytes(at),
            written=self.written_bytes(at),
        )

    @property
    def processes(self) -> int:
        """How many processes it has."""
        return 1 + int(5 * noise(self.seed, "processes"))

    @property
    def threads(self) -> int:
        """How many threads these have."""
        return self.processes + int(12 * noise(self.seed, "threads"))

    @property
    def _cpu(self) -> Wave:
        asked = self.bounds.cpu_request or min(0.02, self.bounds.cpu_limit or 1)
        level = asked * (0.15 + 0.4 * noise(self.seed, "cpu"))
        ceiling = self.bounds.cpu_limit / PEAK if self.bounds.cpu_limit else math.inf
        return Wave(min(level, ceiling), self.seed + "cpu")

    def _memory_level(self) -> float:
        asked = self.bounds.memory_request or min(48 << 20, self.bounds.memory_limit or math.inf)
        level = asked * (0.4 + 0.45 * noise(self.seed, "memory"))
        return min(level, 0.85 * self.bounds.memory_limit) if self.bounds.memory_limit else level
