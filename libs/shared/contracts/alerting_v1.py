"""GENERATED from proto/orrery/alerting/v1/events.proto by proto/generate.py: change that, then run `make proto`."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.contracts.wire import Value
from libs.shared.event import Event


class Pair(Value):
    """A label or an annotation."""

    name: str = ""
    value: str = ""


class RuleGroupCreated(Event):
    """A rule group was made. Its subject is rulegroups/<level>/<namespace>/<name>, empty parts left out."""

    SERVICE: ClassVar[str] = "alerting"

    group: str = ""
    level: str = ""
    namespace: str = ""
    uid: str = ""
    by: str = ""


class RuleGroupChanged(Event):
    """RuleGroupChanged."""

    SERVICE: ClassVar[str] = "alerting"

    group: str = ""
    level: str = ""
    namespace: str = ""
    uid: str = ""
    by: str = ""


class RuleGroupDeleted(Event):
    """It is gone; what fired of it was told to be resolved before."""

    SERVICE: ClassVar[str] = "alerting"

    group: str = ""
    level: str = ""
    namespace: str = ""
    uid: str = ""
    by: str = ""


class AlertFiring(Event):
    """An alert fires: its condition has held as long as its rule says. Its subject is alerts/<fingerprint>."""

    SERVICE: ClassVar[str] = "alerting"

    alert: str = ""
    """The rule's name for it."""
    fingerprint: str = ""
    """The same for the same labels of the same group."""
    group: str = ""
    namespace: str = ""
    workspace: str = ""
    level: str = ""
    severity: str = ""
    labels: tuple[Pair, ...] = ()
    annotations: tuple[Pair, ...] = ()
    value: str = ""
    """As Prometheus prints a sample's value, such as 1e+00."""
    starts_at: str = ""
    """RFC 3339: since when it fires."""
    generator: str = ""
    """The rule: rulegroups/<level>/<namespace>/<name>#<rule_id>."""


class AlertResolved(Event):
    """It fires no longer: the condition does not hold, or the rule was changed, switched off or removed."""

    SERVICE: ClassVar[str] = "alerting"

    alert: str = ""
    fingerprint: str = ""
    group: str = ""
    namespace: str = ""
    workspace: str = ""
    level: str = ""
    severity: str = ""
    labels: tuple[Pair, ...] = ()
    annotations: tuple[Pair, ...] = ()
    value: str = ""
    starts_at: str = ""
    generator: str = ""
    ends_at: str = ""


EVENTS: tuple[type[Event], ...] = (
    RuleGroupCreated,
    RuleGroupChanged,
    RuleGroupDeleted,
    AlertFiring,
    AlertResolved,
)
