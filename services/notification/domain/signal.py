"""What alerting has told of an alert, and the bunch that it is told to receivers with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from libs.shared.contracts.alerting_v1 import AlertFiring, AlertResolved
from libs.shared.store.protocol import Document, Index

GROUP_BY = ("alertname", "namespace", "rule_id")
"""Labels that alerts have in common which are told together (spec 5.6)."""


class Status(StrEnum):
    """Whether an alert fires."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Signal(Document):
    """The last that was told of one alert."""

    COLLECTION: ClassVar[str] = "signals"
    KEY: ClassVar[str] = "fingerprint"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("bunch",)),)

    fingerprint: str
    bunch: str
    status: Status
    alert: str
    namespace: str = ""
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    value: str = ""
    starts_at: str
    ends_at: str = ""
    event: str
    """Id of the event that told it."""
    correlation: str = ""
    traceparent: str = ""

    @property
    def firing(self) -> bool:
        """Whether it fires."""
        return self.status is Status.FIRING

    @property
    def episode(self) -> str:
        """What names this time that it fires."""
        return self.starts_at


class Bunch(Document):
    """Alerts that are told together; `waiting` since `since` when something of them has changed."""

    COLLECTION: ClassVar[str] = "bunches"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("waiting", "since")),)

    id: str
    labels: Mapping[str, str]
    waiting: bool = True
    since: datetime


def bunch_of(labels: Mapping[str, str], level: str) -> tuple[str, dict[str, str]]:
    """The bunch that an alert belongs to: its name, and the labels that it stands for."""
    common = {name: labels[name] for name in GROUP_BY if labels.get(name)}
    text = json.dumps([level, sorted(common.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:32], common


def signal_of(event: AlertFiring | AlertResolved, cause: tuple[str, str, str]) -> Signal:
    """What the event says; `cause` is its id, its chain of causes and its trace."""
    labels = {pair.name: pair.value for pair in event.labels}
    name, correlation, trace = cause
    return Signal(
        fingerprint=event.fingerprint,
        bunch=bunch_of(labels, event.level)[0],
        status=Status.RESOLVED if isinstance(event, AlertResolved) else Status.FIRING,
        alert=event.alert,
        namespace=event.namespace,
        labels=labels,
        annotations={pair.name: pair.value for pair in event.annotations},
        value=event.value,
        starts_at=event.starts_at,
        ends_at=event.ends_at if isinstance(event, AlertResolved) else "",
        event=name,
        correlation=correlation,
        traceparent=trace,
    )


def newer(signal: Signal, known: Signal | None) -> bool:
    """Whether it says something that the known one doesn't: a later time that it fires, or that this one is over."""
    if known is None:
        return True
    if signal.starts_at != known.starts_at:
        return signal.starts_at > known.starts_at
    return known.firing and not signal.firing


def now_text(at: datetime) -> str:
    """RFC 3339, UTC, microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
