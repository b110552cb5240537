"""What is logged and counted of the app store; never a value of a release, never a credential."""

from __future__ import annotations

from prometheus_client import Counter

from libs.shared.telemetry import Telemetry


class Journal:
    """One a process."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self._log = telemetry.log
        self._indices = Counter(
            "orrery_store_indices", "Readings of repositories' indices, by outcome.", ("outcome",), registry=registry
        )
        self._releases = Counter(
            "orrery_store_releases", "Work on releases, by what and outcome.", ("work", "outcome"), registry=registry
        )

    def index(self, repo: str, fault: str = "") -> None:
        """An index was read, or not."""
        self._indices.labels("failed" if fault else "read").inc()
        if fault:
            self._log.warning("index not read", repo=repo, fault=fault)
        else:
            self._log.info("index read", repo=repo)

    def release(self, release: str, work: str, fault: str = "") -> None:
        """A release was brought about, or not."""
        self._releases.labels(work, "failed" if fault else "done").inc()
        log = self._log.warning if fault else self._log.info
        log("release", release=release, work=work, fault=fault)
