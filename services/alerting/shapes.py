"""Wire JSON of rule groups, their status, alerts and history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from libs.shared.errors import Malformed
from libs.shared.objects import meta
from libs.shared.objects.reading import Reading
from libs.shared.objects.shapes import ObjectShape, Shape
from services.alerting.domain.alert import Alert, State
from services.alerting.domain.episode import Episode, moment
from services.alerting.domain.group import Group, GroupWish, Rule
from services.alerting.domain.resource import GROUP, VERSION, Level
from services.alerting.domain.standing import Health, RuleStanding, Standing
from services.alerting.queries.episode import Page

JsonObject = dict[str, Any]


class RuleShape(Shape):
    """One rule: an expression in PromQL, or a builder that gives one."""

    alert: str | None = None
    expr: str | int | None = None
    expr_builder: dict[str, Any] | None = None
    for_: str | None = Field(default=None, alias="for")
    severity: str | None = None
    labels: dict[str, str | None] | None = None
    annotations: dict[str, str | None] | None = None
    disable: bool | None = None
    cluster_selector: dict[str, Any] | None = None
    namespace_selector: dict[str, Any] | None = None


class GroupSpec(Shape):
    """Rules that are evaluated together."""

    interval: str | None = None
    partial_response_strategy: str | None = Field(default=None, alias="partial_response_strategy")
    rules: list[RuleShape] | None = None


class GroupShape(ObjectShape):
    """A rule group."""

    spec: GroupSpec | None = None
    status: dict[str, Any] | None = None


def wish(body: Any) -> GroupWish:
    """The group that a client wants; raises `Malformed` for a field of the wrong type."""
    whole = Reading.of(body)
    about, spec = whole.inside("metadata"), whole.inside("spec")
    return GroupWish(
        name=about.text("name"),
        namespace=about.text("namespace"),
        labels=about.mapping("labels"),
        annotations=about.mapping("annotations"),
        interval=spec.text("interval"),
        strategy=spec.text("partial_response_strategy"),
        rules=tuple(_rule(rule) for rule in spec.objects("rules")),
    )


def _rule(rule: Reading) -> Rule:
    expr = rule.value.get("expr")
    if expr is not None and (isinstance(expr, bool) or not isinstance(expr, str | int)):
        raise Malformed("wrong-type", f"{rule.path}.expr should be text or a whole number")
    return Rule(
        alert=rule.text("alert"),
        expr="" if expr is None else expr,
        for_=rule.text("for"),
        severity=rule.text("severity"),
        labels=rule.mapping("labels"),
        annotations=rule.mapping("annotations"),
        disable=bool(rule.flag("disable")),
        builder=dict(rule.inside("exprBuilder").value),
        clusters=_selector(rule.inside("clusterSelector")),
        namespaces=_selector(rule.inside("namespaceSelector")),
    )


def _selector(selector: Reading) -> JsonObject:
    """`inValues` and `matcher`, whichever is there."""
    found: JsonObject = {}
    if values := selector.texts("inValues"):
        found["inValues"] = list(values)
    if selector.has("matcher"):
        own = selector.inside("matcher")
        found["matcher"] = {"type": own.text("type"), "value": own.text("value")}
    return found


def group(kept: Group) -> JsonObject:
    """A group as it is written and read through `/apis`."""
    return {
        "kind": kept.noun.kind,
        "apiVersion": f"{GROUP}/{VERSION}",
        "metadata": meta.metadata(
            kept.name,
            namespace=kept.namespace,
            uid=kept.uid,
            revision=kept.stamp.revision,
            generation=kept.generation,
            created=kept.created_at,
            labels=kept.labels,
            annotations=kept.annotations,
        ),
        "spec": {
            **({"interval": kept.interval} if kept.interval else {}),
            **({"partial_response_strategy": kept.strategy} if kept.strategy else {}),
            "rules": [_shown_rule(rule) for rule in kept.rules],
        },
    }


def _shown_rule(rule: Rule) -> JsonObject:
    whole: JsonObject = {
        "alert": rule.alert,
        "expr": rule.expr,
        "for": rule.for_,
        "severity": rule.severity,
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
        "disable": rule.disable,
        "exprBuilder": dict(rule.builder),
        "clusterSelector": dict(rule.clusters),
        "namespaceSelector": dict(rule.namespaces),
    }
    return {key: value for key, value in whole.items() if value or key in ("alert", "expr")}


def stood(kept: Group, standing: Standing) -> JsonObject:
    """A group with its status, as the console reads it (spec 5.1). What is off was never evaluated."""
    rules = [_status(kept, rule, standing.of(rule)) for rule in kept.rules]
    status: JsonObject = {}
    if kept.enabled and standing.evaluated_at is not None:
        status = {"evaluationTime": standing.seconds, "lastEvaluation": nano(standing.evaluated_at)}
    if rules:
        status["rulesStatus"] = rules
    counts = {state.value: sum(rule["state"] == state.value for rule in rules) for state in State}
    status["rulesStats"] = counts
    return {**group(kept), "status": status}


def _status(kept: Group, rule: Rule, standing: RuleStanding) -> JsonObject:
    shown: JsonObject = {"expr": str(rule.expr)} if kept.LEVEL is Level.GLOBAL else {}
    if rule.disable or not kept.enabled or standing.evaluated_at is None:
        state = State.DISABLED if rule.disable else State.INACTIVE
        return {**shown, "state": state.value, "health": Health.UNKNOWN.value}
    shown |= {
        "state": standing.state.value,
        "health": standing.health.value,
        "evaluationTime": standing.seconds,
        "lastEvaluation": nano(standing.evaluated_at),
    }
    if standing.error:
        shown["lastError"] = standing.error
    if standing.alerts:
        shown["activeAt"] = nano(min(alert.active_at for alert in standing.alerts))
        shown["alerts"] = [alert(one) for one in standing.alerts]
    return shown


def alert(one: Alert) -> JsonObject:
    """One alert that waits or fires."""
    return {
        "activeAt": nano(one.active_at),
        "annotations": dict(one.annotations),
        "labels": dict(one.labels),
        "state": one.state.value,
        "value": one.value,
    }


def nano(at: datetime) -> str:
    """RFC 3339 in UTC with as many digits of the second as it has, as Go's time.Time marshals."""
    text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"


def episode(one: Episode) -> JsonObject:
    """One time that an alert fired; `endsAt` is absent while it does."""
    whole: JsonObject = {
        "id": one.id,
        "fingerprint": one.fingerprint,
        "alert": one.alert,
        "group": one.group,
        "level": one.level,
        "namespace": one.namespace,
        "workspace": one.workspace,
        "severity": one.severity,
        "labels": dict(one.labels),
        "annotations": dict(one.annotations),
        "value": one.value,
        "startsAt": moment(one.starts_at),
        "endsAt": moment(one.ends_at) if one.ends_at else None,
        "state": "firing" if one.open else "resolved",
    }
    return {key: value for key, value in whole.items() if value is not None}


def episodes(page: Page) -> JsonObject:
    """Some of the history."""
    found: JsonObject = {"items": [episode(one) for one in page.episodes]}
    return found | ({"next": page.next} if page.next else {})
