"""How a group stands: what its last evaluation found, rule by rule. Kept, so that a restart forgets none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from libs.shared.errors import Invalid
from libs.shared.store.protocol import Document, Index
from services.alerting.domain import alert as alerts
from services.alerting.domain.alert import Alert, Sample, State, Step
from services.alerting.domain.duration import seconds
from services.alerting.domain.group import Group, Rule

LONGEST_ERROR = 300
LAPSE = timedelta(minutes=5)
"""For longer no series reaches into the present (Prometheus' lookback): after such a gap nothing is known at first."""
SETTLING = timedelta(minutes=1)
"""How long after a gap what isn't there is not over yet: until everything has been scraped again."""


class Health(StrEnum):
    """Whether a rule could be evaluated when that was last tried."""

    OK = "ok"
    ERR = "err"
    UNKNOWN = "unknown"


class RuleStanding(BaseModel):
    """Of one rule, which `rule` names by its id."""

    model_config = ConfigDict(frozen=True)

    rule: str
    health: Health = Health.UNKNOWN
    error: str = ""
    evaluated_at: datetime | None = None
    seconds: float = 0.0
    known_at: datetime | None = None
    """When its expression was last answered."""
    resumed_at: datetime | None = None
    """When it was answered again after it was not for long."""
    alerts: tuple[Alert, ...] = ()

    @property
    def state(self) -> State:
        """As its worst alert."""
        if any(alert.firing for alert in self.alerts):
            return State.FIRING
        return State.PENDING if self.alerts else State.INACTIVE


class Standing(Document):
    """Of one group; `id` is `level/namespace/name` or `level/name`."""

    COLLECTION: ClassVar[str] = "standings"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("level", "namespace")),)

    id: str
    level: str
    namespace: str = ""
    uid: str
    evaluated_at: datetime | None = None
    seconds: float = 0.0
    rules: tuple[RuleStanding, ...] = ()

    def of(self, rule: Rule) -> RuleStanding:
        """Of this rule; one that was never evaluated where there is none."""
        return next((one for one in self.rules if one.rule == rule.id), RuleStanding(rule=rule.id))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What asking for a rule's expression came to: samples, or the words of an error. `seconds` is how long it took."""

    samples: tuple[Sample, ...] = ()
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A group's next standing, and what is to be told of it."""

    standing: Standing
    fired: tuple[Alert, ...] = ()
    ended: tuple[Alert, ...] = ()


def begun(group: Group) -> Standing:
    """A group that was never evaluated."""
    return Standing(id=group.place, level=group.LEVEL.value, namespace=group.namespace, uid=group.uid)


def evaluated(
    group: Group, before: Standing, outcomes: Mapping[str, Outcome], at: datetime, *, most: int, seconds: float
) -> Turn:
    """The standing after an evaluation. A rule whose expression could not be evaluated keeps its alerts as they are:
    what is not known is not over. Alerts of rules that are gone or switched off are over.
    """
    rules: list[RuleStanding] = []
    fired: list[Alert] = []
    ended: list[Alert] = []
    for rule in group.rules:
        held, outcome = before.of(rule), outcomes.get(rule.id)
        if outcome is None:
            continue
        after, step = _ruled(group, rule, held, _bounded(outcome, most), at)
        rules.append(after)
        fired.extend(step.fired)
        ended.extend(step.ended)
    kept = {one.rule for one in rules}
    ended.extend(alert for one in before.rules if one.rule not in kept for alert in one.alerts if alert.firing)
    standing = before.model_copy(
        update={"uid": group.uid, "evaluated_at": at, "seconds": seconds, "rules": tuple(rules)}
    )
    return Turn(standing, tuple(fired), tuple(ended))


def _bounded(outcome: Outcome, most: int) -> Outcome:
    """More series than a rule may have alerts are an error of the rule."""
    if len(outcome.samples) <= most:
        return outcome
    said = f"the expression gives {len(outcome.samples)} series; {most} are accepted"
    return Outcome(error=said, seconds=outcome.seconds)


def _ruled(group: Group, rule: Rule, held: RuleStanding, outcome: Outcome, at: datetime) -> tuple[RuleStanding, Step]:
    update: dict[str, object] = {"evaluated_at": at, "seconds": outcome.seconds}
    error = outcome.error
    if not error:
        resumed = _resumed(group, held, at)
        update |= {"known_at": at, "resumed_at": resumed}
        keeps = resumed is not None and at - resumed < SETTLING
        try:
            step = alerts.step(group, rule, held.alerts, outcome.samples, at, keeps=keeps)
        except Invalid as fault:
            error = fault.text
        else:
            after = held.model_copy(update={**update, "health": Health.OK, "error": "", "alerts": step.alerts})
            return after, step
    bad = {**update, "health": Health.ERR, "error": error[:LONGEST_ERROR]}
    return held.model_copy(update=bad), Step(held.alerts)


def _resumed(group: Group, held: RuleStanding, at: datetime) -> datetime | None:
    """When answers came again after a gap: now, or before."""
    lapse = max(LAPSE, timedelta(seconds=3 * (seconds(group.interval) or 0)))
    return at if held.known_at is not None and at - held.known_at > lapse else held.resumed_at


def settled(group: Group, before: Standing) -> Turn:
    """The standing after a change of the group: rules that are gone, off, or of a group that is off have no alerts."""
    live = live_rules(group)
    kept = tuple(one for one in before.rules if one.rule in live)
    over = [alert for one in before.rules if one.rule not in live for alert in one.alerts]
    return Turn(before.model_copy(update={"uid": group.uid, "rules": kept}), (), _firing(over))


def ended(before: Standing) -> tuple[Alert, ...]:
    """What is over when the group is gone."""
    return _firing(alert for one in before.rules for alert in one.alerts)


def live_rules(group: Group) -> Mapping[str, Rule]:
    """The rules that are evaluated, by id."""
    return {rule.id: rule for rule in group.rules if not rule.disable} if group.enabled else {}


def _firing(found: Iterable[Alert] | Sequence[Alert]) -> tuple[Alert, ...]:
    return tuple(alert for alert in found if alert.firing)
