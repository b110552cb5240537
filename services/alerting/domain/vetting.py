"""What a rule group must be: defaults put in, and the refusals of KubeSphere's webhooks in their words (spec 5.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from libs.shared.errors import Invalid
from services.alerting.domain.builder import built
from services.alerting.domain.duration import PATTERN, seconds
from services.alerting.domain.group import GroupWish, Rule
from services.alerting.domain.matcher import OPS, matcher_of
from services.alerting.domain.resource import NOUNS, RULE_ID, Level
from services.alerting.domain.template import check

MOST_RULES = 40
LONGEST_INTERVAL = 86_400.0
MOST_PAIRS = 64
"""Labels, and annotations, of a rule."""
LONGEST_TEXT = 8192
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
BUILDERS: Mapping[Level, str] = {Level.NAMESPACE: "exprBuilder.workload", Level.CLUSTER: "exprBuilder.node"}


def defaulted(wish: GroupWish, level: Level, new_id: Callable[[], str]) -> GroupWish:
    """With the expressions that builders give, the selectors that a global builder's names mean, and an id for each
    rule that has none, or another's.
    """
    taken: set[str] = set()
    rules = []
    for rule in wish.rules:
        update: dict[str, Any] = {}
        if rule.builder:
            update["expr"], scoped = built(rule.builder, level)
            if level is Level.GLOBAL and scoped.clusters:
                update["clusters"] = {"inValues": scoped.clusters}
            if level is Level.GLOBAL and scoped.namespaces:
                update["namespaces"] = {"inValues": scoped.namespaces}
        name = rule.id if rule.id and rule.id not in taken else new_id()
        taken.add(name)
        update["labels"] = {**rule.labels, RULE_ID: name}
        rules.append(rule.model_copy(update=update))
    return GroupWish(
        wish.name, wish.namespace, wish.labels, wish.annotations, wish.interval, wish.strategy, tuple(rules)
    )


def check_group(wish: GroupWish, level: Level, shortest: float) -> None:
    """Raise `Denied` in the words of the webhook, or `Invalid` in those of the schema, for all but what only a parser
    of PromQL can tell.
    """
    noun = NOUNS[level]
    if len(wish.rules) > MOST_RULES:
        raise noun.refused(f"the rule group has {len(wish.rules)} rules, exceeding the max count ({MOST_RULES})")
    for place, rule in enumerate(wish.rules):
        if rule.for_ and seconds(rule.for_) is None:
            field = f"spec.rules[{place}].for"
            raise noun.invalid(wish.name, field, rule.for_[:80], f"{field} in body should match '{PATTERN}'")
    every = seconds(wish.interval) if wish.interval else shortest
    if every is None:
        raise noun.refused(f"invalid 'interval': {wish.interval[:80]}")
    if not shortest <= every <= LONGEST_INTERVAL:
        raise noun.refused(f"invalid 'interval': {wish.interval}: {shortest:g}s to {LONGEST_INTERVAL:g}s are accepted")
    for place, rule in enumerate(wish.rules):
        why = _flaw(wish.name, place, rule, level)
        if why:
            raise noun.refused(why)


def said_of(group: str, place: int, rule: Rule, why: str) -> str:
    """The refusal of one rule."""
    return f'invalid rules: [group "{group}", rule {place + 1}, "{rule.alert}": {why}]'


def _flaw(group: str, place: int, rule: Rule, level: Level) -> str:
    if not rule.alert:
        return "'alert' cannot be empty"
    if rule.expr == "":
        builder = BUILDERS.get(level, "exprBuilder.workload' or 'exprBuilder.node")
        return f"one of 'expr' and '{builder}' must be set for a {NOUNS[level].kind}"
    why = _bounds(rule) or _labels(rule) or _templates(rule)
    return said_of(group, place, rule, why) if why else _selectors(rule)


def _bounds(rule: Rule) -> str:
    if len(rule.labels) > MOST_PAIRS or len(rule.annotations) > MOST_PAIRS:
        return f"more than {MOST_PAIRS} labels or annotations"
    texts = (rule.alert, rule.severity, *rule.labels.values(), *rule.annotations.values())
    return f"a text of more than {LONGEST_TEXT} characters" if any(len(text) > LONGEST_TEXT for text in texts) else ""


def _labels(rule: Rule) -> str:
    for name in (*rule.labels, *rule.annotations):
        if not LABEL.fullmatch(name) or len(name) > LONGEST_TEXT:
            return f"invalid {'label' if name in rule.labels else 'annotation'} name: {name[:80]}"
    return "invalid label name: __name__" if "__name__" in rule.labels else ""


def _templates(rule: Rule) -> str:
    for what, texts in (("label", rule.labels), ("annotation", rule.annotations)):
        for name, text in texts.items():
            try:
                check(text)
            except Invalid as fault:
                return f'{what} "{name}": template: __alert_{rule.alert}:1: {fault.text}'
    return ""


def _selectors(rule: Rule) -> str:
    for selector in (rule.clusters, rule.namespaces):
        own: Mapping[str, Any] = selector.get("matcher") or {}
        if own and own.get("type") not in OPS:
            return f"unsupported match type [{str(own.get('type', ''))[:20]}]"
        found = matcher_of("any", selector)
        try:
            if found:
                found.test()
        except Invalid as fault:
            return f"invalid matcher: {fault.text}"
    return ""
