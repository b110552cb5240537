"""Whether what the index was told is fresh: a source that has been silent too long closes what rests on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from libs.shared.errors import Busy


@dataclass(slots=True)
class Sources:
    """Up to when each source has told everything, in monotonic seconds, and whether its snapshot has been loaded."""

    silence: float
    """Seconds without a beat after which a source counts as dead."""
    heard: dict[str, float] = field(default_factory=dict)
    loaded: set[str] = field(default_factory=set)

    def hear(self, source: str, now: float, behind: float = 0) -> None:
        """A beat of this source has arrived: it has told everything that it had `behind` seconds ago."""
        self.heard[source] = now - max(0.0, behind)

    def load(self, source: str) -> None:
        """Its snapshot stands in the index."""
        self.loaded.add(source)

    def fresh(self, source: str, now: float) -> bool:
        """Whether decisions may rest on this source."""
        last = self.heard.get(source)
        return source in self.loaded and last is not None and now - last <= self.silence

    def require(self, source: str, now: float) -> None:
        """Return when the source is fresh; raises `Busy`."""
        if not self.fresh(source, now):
            raise Busy(
                "index-stale",
                f"what {source} knows of roles and accounts is not up to date at the gateway; try again",
                retry_after=1,
            )
