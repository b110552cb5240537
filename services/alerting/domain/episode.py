"""The history: each time that an alert fired, and until when. What other services are told comes from here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from libs.shared.contracts.alerting_v1 import AlertFiring, AlertResolved, Pair
from libs.shared.store.protocol import Document, Index
from services.alerting.domain.alert import Alert
from services.alerting.domain.group import Group


class Episode(Document):
    """One time that an alert fired. `order` sorts by the moment that it began."""

    COLLECTION: ClassVar[str] = "episodes"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index(("order",)),
        Index(("level", "namespace", "order")),
        Index(("open", "order")),
    )

    id: str
    order: str
    fingerprint: str
    alert: str
    group: str
    level: str
    namespace: str = ""
    workspace: str = ""
    severity: str = ""
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    value: str = ""
    starts_at: datetime
    ends_at: datetime | None = None
    open: bool = True
    """Whether it fires still."""
    generator: str = ""


def opened(group: Group, alert: Alert, workspace: str) -> tuple[Episode, AlertFiring]:
    """It begins to fire."""
    began = alert.fired_at or alert.active_at
    episode = Episode(
        id=name_of(alert.fingerprint, began),
        order=f"{place(began)}-{alert.fingerprint}",
        fingerprint=alert.fingerprint,
        alert=alert.labels.get("alertname", ""),
        group=group.name,
        level=group.LEVEL.value,
        namespace=group.namespace,
        workspace=workspace,
        severity=alert.labels.get("severity", ""),
        labels=alert.labels,
        annotations=alert.annotations,
        value=alert.value,
        starts_at=began,
        generator=f"rulegroups/{group.place}#{alert.labels.get('rule_id', '')}",
    )
    return episode, AlertFiring(**_told(episode))


def closed(episode: Episode, alert: Alert, at: datetime) -> tuple[Episode, AlertResolved]:
    """It is over; what it said last is kept."""
    after = episode.model_copy(
        update={"open": False, "ends_at": at, "value": alert.value, "annotations": alert.annotations}
    )
    return after, AlertResolved(**_told(after), ends_at=moment(at))


def name_of(fingerprint: str, began: datetime) -> str:
    """What names the episode of an alert that began then."""
    return f"{fingerprint}-{place(began)}"


def place(at: datetime) -> str:
    """Where the episodes of a moment stand in the order of all."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%S%f}"


def moment(at: datetime) -> str:
    """RFC 3339, UTC, microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _told(episode: Episode) -> dict[str, Any]:
    return {
        "alert": episode.alert,
        "fingerprint": episode.fingerprint,
        "group": episode.group,
        "namespace": episode.namespace,
        "workspace": episode.workspace,
        "level": episode.level,
        "severity": episode.severity,
        "labels": _pairs(episode.labels),
        "annotations": _pairs(episode.annotations),
        "value": episode.value,
        "starts_at": moment(episode.starts_at),
        "generator": episode.generator,
    }


def _pairs(texts: Mapping[str, str]) -> tuple[Pair, ...]:
    return tuple(Pair(name=name, value=value) for name, value in sorted(texts.items()))
