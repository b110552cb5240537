"""Rules of label selectors inside of objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from libs.sandbox.rules.invalid import forbidden, required, unsupported, wrong
from libs.shared.errors import Flaw
from libs.shared.objects import names

_WITH_VALUES: Final = ("In", "NotIn")
_WITHOUT: Final = ("DoesNotExist", "Exists")


def selector(found: Mapping[str, Any], path: str) -> Iterator[Flaw]:
    """What is wrong with a selector that stands at this path."""
    for key, value in (found.get("matchLabels") or {}).items():
        yield from (wrong(f"{path}.matchLabels", key, why) for why in names.qualified(key))
        yield from (wrong(f"{path}.matchLabels", value, why) for why in names.label_value(value))
    for place, term in enumerate(found.get("matchExpressions") or ()):
        at = f"{path}.matchExpressions[{place}]"
        yield from (wrong(f"{at}.key", term.get("key", ""), why) for why in names.qualified(term.get("key", "")))
        operator, values = term.get("operator", ""), term.get("values") or ()
        if operator in _WITH_VALUES and not values:
            yield required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in _WITHOUT and values:
            yield forbidden(f"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        elif operator not in (*_WITH_VALUES, *_WITHOUT):
            yield unsupported(f"{at}.operator", operator, (*_WITH_VALUES, *_WITHOUT))


def chosen(found: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector takes these labels."""
    if any(labels.get(key) != value for key, value in (found.get("matchLabels") or {}).items()):
        return False
    return all(_meets(term, labels) for term in found.get("matchExpressions") or ())


def _meets(term: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(term.get("key", "")), term.get("values") or ()
    match term.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return True
