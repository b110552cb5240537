"""Label selectors as objects (Kubernetes' LabelSelector), over the labels of alerts and of configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libs.shared.errors import Invalid

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
MOST = 100


def matches(selector: Any, labels: Mapping[str, str]) -> bool:
    """Whether these labels are selected; nothing, and an empty selector, select all. Raises `Invalid` for one that
    can't be read.
    """
    if selector is None:
        return True
    if not isinstance(selector, Mapping):
        raise Invalid("selector", "must be a label selector")
    wanted, conditions = selector.get("matchLabels") or {}, selector.get("matchExpressions") or []
    if not isinstance(wanted, Mapping) or not all(isinstance(value, str) for value in wanted.values()):
        raise Invalid("selector", "matchLabels must be an object of texts")
    if not isinstance(conditions, list) or len(conditions) > MOST:
        raise Invalid("selector", f"matchExpressions must be a list of at most {MOST}")
    found = [_holds(condition, labels) for condition in conditions]
    return all(labels.get(name) == value for name, value in wanted.items()) and all(found)


def _holds(condition: Any, labels: Mapping[str, str]) -> bool:
    key, operator = (condition.get("key"), condition.get("operator")) if isinstance(condition, Mapping) else ("", "")
    if not isinstance(key, str) or not key or operator not in OPERATORS:
        raise Invalid("selector", f"each of matchExpressions has a key and one of the operators {', '.join(OPERATORS)}")
    values = condition.get("values") or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Invalid("selector", "values must be a list of texts")
    if operator in ("In", "NotIn"):
        if not values:
            raise Invalid("selector", f"values must not be empty for {operator}")
        return (labels.get(key) in values) is (operator == "In")
    return (key in labels) is (operator == "Exists")
