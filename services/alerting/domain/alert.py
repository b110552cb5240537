"""Alerts: what a rule's series mean, from the first moment that the condition holds until it holds no longer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from libs.shared.errors import Invalid
from services.alerting.domain.group import Group, Rule
from services.alerting.domain.numbers import exponential
from services.alerting.domain.resource import Level
from services.alerting.domain.template import Scope, render

NAME = "__name__"
FINGERPRINT = 16
"""Hexadecimal digits, as Alertmanager's are."""


class State(StrEnum):
    """Where an alert stands; a rule is as its worst alert, inactive without one."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    DISABLED = "disabled"


class Alert(BaseModel):
    """One series for which a rule's condition holds."""

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = {}
    value: str
    state: State
    active_at: datetime
    """Since when the condition holds."""
    fired_at: datetime | None = None

    @property
    def firing(self) -> bool:
        """Whether it has been told."""
        return self.state is State.FIRING


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an expression's answer."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Step:
    """What one look at a rule changes: its alerts from now on, those that fire since, those that are over."""

    alerts: tuple[Alert, ...] = ()
    fired: tuple[Alert, ...] = ()
    ended: tuple[Alert, ...] = field(default=())


def step(
    group: Group, rule: Rule, held: Sequence[Alert], samples: Sequence[Sample], at: datetime, *, keeps: bool
) -> Step:
    """The next state. A series that is there goes on, waits, or fires once it was there as long as `for` says; one that
    is not is over at once, or with `keeps` goes on as it is. Raises `Invalid` where two series make the same alert.
    """
    before = {alert.fingerprint: alert for alert in held}
    now: dict[str, Alert] = {}
    for sample in samples:
        alert = _alert(group, rule, sample, before, at)
        if alert.fingerprint in now:
            raise Invalid("alerts-same", "vector contains metrics with the same labelset after applying alert labels")
        now[alert.fingerprint] = alert
    fired = tuple(alert for name, alert in now.items() if alert.firing and not _was_firing(before.get(name)))
    if keeps:
        now = {**before, **now}
    ended = tuple(alert for name, alert in before.items() if alert.firing and name not in now)
    return Step(tuple(now.values()), fired, ended)


def _was_firing(alert: Alert | None) -> bool:
    return alert is not None and alert.firing


def _alert(group: Group, rule: Rule, sample: Sample, before: Mapping[str, Alert], at: datetime) -> Alert:
    scope = Scope(sample.labels, sample.value)
    labels = labels_of(group, rule, scope)
    fingerprint = fingerprint_of(group, labels)
    known = before.get(fingerprint)
    active = known.active_at if known else at
    firing = _was_firing(known) or at - active >= timedelta(seconds=rule.wait)
    return Alert(
        fingerprint=fingerprint,
        labels=labels,
        annotations={name: render(text, scope) for name, text in rule.annotations.items()},
        value=exponential(sample.value),
        state=State.FIRING if firing else State.PENDING,
        active_at=active,
        fired_at=(known.fired_at if known and known.firing else at) if firing else None,
    )


def labels_of(group: Group, rule: Rule, scope: Scope) -> dict[str, str]:
    """The alert's labels: the series' own, the rule's over them, and over both what says where it comes from."""
    labels = {name: value for name, value in scope.labels.items() if name != NAME}
    labels |= {name: render(text, scope) for name, text in rule.labels.items()}
    labels |= {
        "alertname": rule.alert,
        "alerttype": "metric",
        "rule_group": group.name,
        "rule_level": group.LEVEL.value,
        "rule_type": "template" if rule.builder else "custom",
    }
    if rule.severity:
        labels["severity"] = rule.severity
    if group.LEVEL is Level.NAMESPACE:
        labels["namespace"] = group.namespace
    return dict(sorted((name, value) for name, value in labels.items() if value))


def fingerprint_of(group: Group, labels: Mapping[str, str]) -> str:
    """The same for the same labels of the same group."""
    text = json.dumps([group.place, sorted(labels.items())], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT]
