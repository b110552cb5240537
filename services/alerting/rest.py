"""What the console reads: groups with their status and alerts (`alerting.kubesphere.io/v2beta1`, reading only), and the
history of alerts, which is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from libs.shared.http.faults import json_response
from libs.shared.http.listing import Filter, SortKey, after_of, last, limit_of, listed
from libs.shared.http.route import Handler, Route
from services.alerting import shapes
from services.alerting.domain.matcher import Matcher, filtered, parsed
from services.alerting.domain.resource import NOUNS, Level
from services.alerting.parts import Parts
from services.alerting.queries import episode as episodes
from services.alerting.queries import group as queries
from services.alerting.queries.episode import Past

V2 = "/kapis/alerting.kubesphere.io/v2beta1"
OURS = "/kapis/alerting.orrery.io/v1"
ALERTS: Mapping[Level, str] = {Level.NAMESPACE: "alerts", Level.CLUSTER: "clusteralerts", Level.GLOBAL: "globalalerts"}
LIST = (
    ("name", "only names that this text is part of"),
    ("state", "firing, pending, inactive or disabled"),
    ("builtin", "true or false: only those that the platform brought along, or only the others"),
    ("label_filters", "labels of alerts: `k=v,k~part`"),
    ("label_matcher", 'a selector in PromQL: `{severity="critical"}`'),
    ("sortBy", "evaluationTime, lastEvalution, activeAt or createTime"),
    ("ascending", "true: the smallest or oldest first"),
    ("page", "which page, from 1"),
    ("limit", "how many on a page; all unless given"),
)
PAST = (("limit", "how many at most, 1 to 1000; 100 unless given"), ("after", "`next` of the page before"))
Json = dict[str, Any]


def listing(level: Level) -> Handler:
    """The groups of a level, each with its status."""

    async def list_groups(request: web.Request, parts: Parts) -> web.Response:
        """Rule groups with what their last evaluation found."""
        query, test = _asked(request)
        found = await queries.list_groups(parts.store, level, request.match_info.get("namespace", ""))
        items = [shapes.stood(group, standing) for group, standing in found]
        return json_response(listed(items, query, filters=group_filters(test), sorts=GROUP_SORTS))

    return list_groups


def reading(level: Level) -> Handler:
    """One group of a level."""

    async def get_group(request: web.Request, parts: Parts) -> web.Response:
        """A rule group with what its last evaluation found."""
        where = request.match_info
        found = await queries.get_group(parts.store, level, where.get("namespace", ""), where["name"])
        return json_response(shapes.stood(*found))

    return get_group


def alerting(level: Level) -> Handler:
    """The alerts of a level's groups."""

    async def list_alerts(request: web.Request, parts: Parts) -> web.Response:
        """Alerts that wait or fire now."""
        query, test = _asked(request)
        found = await queries.list_groups(parts.store, level, request.match_info.get("namespace", ""))
        wanted = query.pop("builtin", "") if level is Level.GLOBAL else ""
        items = [
            shapes.alert(one)
            for group, standing in found
            if not wanted or group.builtin is (wanted == "true")
            for rule in standing.rules
            for one in rule.alerts
        ]
        return json_response(listed(items, query, filters=alert_filters(test), sorts=ALERT_SORTS))

    return list_alerts


def remembering(level: Level | None) -> Handler:
    """The history of a level's alerts, or of all."""

    async def list_episodes(request: web.Request, parts: Parts) -> web.Response:
        """Each time that an alert fired, the newest first."""
        query = last(request.query.items())
        past = Past(
            level.value if level else "",
            request.match_info.get("namespace", ""),
            after=after_of(query),
            limit=limit_of(query),
        )
        return json_response(shapes.episodes(await episodes.find_episodes(parts.store, past)))

    return list_episodes


Test = Callable[[Mapping[str, str]], bool]


def _asked(request: web.Request) -> tuple[dict[str, str], Test]:
    """The query, and the test of labels that it asks for. Raises `Invalid` for a matcher that can't be read."""
    query = last(request.query.items())
    matchers: list[Matcher] = [*filtered(query.get("label_filters", "")), *parsed(query.get("label_matcher", "{}"))]
    tests = [(one.name, one.test()) for one in matchers]
    return query, lambda labels: all(test(labels.get(name, "")) for name, test in tests)


def group_filters(test: Test) -> Mapping[str, Filter]:
    """A group passes when one of its rules does."""
    return {
        "state": lambda item, value: item["status"]["rulesStats"].get(value, 0) > 0,
        "builtin": lambda item, value: (_labels(item).get(BUILTIN) == "true") is (value == "true"),
        "label_filters": lambda item, _: any(map(test, _rule_labels(item))),
        "label_matcher": lambda item, _: any(map(test, _rule_labels(item))),
    }


def alert_filters(test: Test) -> Mapping[str, Filter]:
    """An alert passes by itself."""
    return {
        "name": lambda item, value: value in item["labels"].get("alertname", ""),
        "state": lambda item, value: item["state"] == value,
        "label_filters": lambda item, _: test(item["labels"]),
        "label_matcher": lambda item, _: test(item["labels"]),
    }


BUILTIN = "alerting.kubesphere.io/builtin"
GROUP_SORTS: Mapping[str, SortKey] = {
    "evaluationTime": lambda item: item["status"].get("evaluationTime", 0.0),
    "lastEvalution": lambda item: item["status"].get("lastEvaluation", ""),
    "lastEvaluation": lambda item: item["status"].get("lastEvaluation", ""),
    "activeAt": lambda item: min(
        (r["activeAt"] for r in item["status"].get("rulesStatus", ()) if "activeAt" in r), default=""
    ),
}
ALERT_SORTS: Mapping[str, SortKey] = {"activeAt": lambda item: item["activeAt"]}


def _labels(item: Mapping[str, Any]) -> Mapping[str, str]:
    found: Mapping[str, str] = item["metadata"].get("labels") or {}
    return found


def _rule_labels(item: Mapping[str, Any]) -> list[dict[str, str]]:
    """The labels that a rule's alerts have whatever their series."""
    return [
        {**rule.get("labels", {}), "alertname": rule["alert"], "severity": rule.get("severity", "")}
        for rule in item["spec"]["rules"]
    ]


def _routes(level: Level) -> tuple[Route, ...]:
    inside = "/namespaces/{namespace}" if level is Level.NAMESPACE else ""
    groups = f"{V2}{inside}/{NOUNS[level].plural}"
    ours = f"{OURS}{inside}/" + {Level.CLUSTER: "clusterhistory", Level.GLOBAL: "globalhistory"}.get(level, "history")
    return (
        Route("GET", groups, listing(level), parameters=LIST),
        Route("GET", f"{groups}/{{name}}", reading(level)),
        Route("GET", f"{V2}{inside}/{ALERTS[level]}", alerting(level), parameters=LIST),
        Route("GET", ours, remembering(level), parameters=PAST),
    )


ROUTES = tuple(route for level in Level for route in _routes(level))
