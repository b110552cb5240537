"""Whether what the index was told is fresh: a source that has been silent too long closes what rests on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from libs.shared.errors import Busy


@dataclass(slots=True)
class Sources:
    """Up to when each source has told everything, in monotonic seconds, and since when its snapshot is missing."""

    silence: float
    """Seconds without a beat after which a source counts as dead."""
    heard: dict[str, float] = field(default_factory=dict)
    loaded: set[str] = field(default_factory=set)
    waiting: dict[str, float] = field(default_factory=dict)

    def hear(self, source: str, now: float, behind: float = 0) -> None:
        """A beat of this source has arrived: it has told everything that it had `behind` seconds ago."""
        self.heard[source] = now - max(0.0, behind)

    def begin(self, source: str, now: float) -> None:
        """Its events may have been missed: nothing rests on it until a snapshot stands."""
        self.loaded.discard(source)
        self.waiting.setdefault(source, now)

    def load(self, source: str) -> None:
        """Its snapshot stands in the index."""
        self.loaded.add(source)
        self.waiting.pop(source, None)

    def fresh(self, source: str, now: float) -> bool:
        """Whether decisions may rest on this source."""
        return source in self.loaded and self._alive(source, now)

    def stale(self, sources: Iterable[str], now: float) -> frozenset[str]:
        """Those of them on which no decision may rest now."""
        return frozenset(source for source in sources if not self.fresh(source, now))

    def lost(self, source: str, now: float) -> bool:
        """Whether even what was decided before may rest on it no longer: it has been dead, or without a snapshot, for
        longer than a source may be silent.
        """
        return not self._alive(source, now) or now - self.waiting.get(source, now) > self.silence

    def require(self, source: str, now: float) -> None:
        """Return when the source is fresh; raises `Busy`."""
        if not self.fresh(source, now):
            raise Busy(
                "index-stale",
                f"what {source} knows of roles and accounts is not up to date at the gateway; try again",
                retry_after=1,
            )

    def _alive(self, source: str, now: float) -> bool:
        last = self.heard.get(source)
        return last is not None and now - last <= self.silence
