"""The collaborators that alerting's outer functions are handed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from prometheus_client import Counter

from libs.shared.bell import Bell
from libs.shared.errors import Fault
from libs.shared.store.protocol import Store
from libs.shared.telemetry import Telemetry
from libs.shared.values import Clock, Ids
from services.alerting.domain.alert import Sample
from services.alerting.domain.group import Group
from services.alerting.domain.matcher import Matcher
from services.alerting.settings import AlertingSettings


class Metrics(Protocol):
    """Who evaluates expressions. Raises `Invalid` for one that isn't taken, `Busy` when nobody can tell."""

    async def parse(self, expression: str, bind: Sequence[Matcher]) -> None:
        """Return if it can be evaluated so bound."""
        ...

    async def query(self, expression: str, bind: Sequence[Matcher], at: datetime) -> tuple[Sample, ...]:
        """Its series at that moment, every selector of it bound to these matchers."""
        ...


class Journal:
    """What is logged and counted of evaluations."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._log = telemetry.log
        self._evaluations = Counter(
            "orrery_rule_evaluations", "Rules evaluated, by outcome.", ("outcome",), registry=telemetry.registry
        )

    def evaluated(self) -> None:
        """One rule gave an answer."""
        self._evaluations.labels("ok").inc()

    def failed(self, group: Group, alert: str, fault: Fault) -> None:
        """One rule did not."""
        self._evaluations.labels("error").inc()
        self._log.warning("rule not evaluated", group=group.place, alert=alert, fault=fault.slug)


class News:
    """Wakes the evaluation, and says whether rule groups have come, gone or changed since it was last asked."""

    def __init__(self, clock: Clock) -> None:
        self._bell = Bell(clock)
        self._stale = True

    def tell(self) -> None:
        """Groups are others than they were."""
        self._stale = True
        self._bell.ring()

    def nudge(self) -> None:
        """Something was done with."""
        self._bell.ring()

    def take(self) -> bool:
        """Whether groups were told to be others, once."""
        stale, self._stale = self._stale, False
        return stale

    async def wait(self, seconds: float) -> None:
        """Return when there is something, or after so many seconds."""
        await self._bell.wait(seconds)


@dataclass(frozen=True, slots=True)
class Parts:
    """All of them."""

    store: Store
    clock: Clock
    ids: Ids
    settings: AlertingSettings
    metrics: Metrics
    journal: Journal
    news: News
