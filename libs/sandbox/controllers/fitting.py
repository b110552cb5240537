"""Whether a pod may be on a node, and what it asks of one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from libs.sandbox.controllers.meta import Seen, labels_of, name_of
from libs.shared.errors import Invalid

_QUANTITY: Final = re.compile(
    r"([+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,2})?)([KMGTPE]i|[numkMGTPE])?"
)
_UNITS: Final = {
    "": 1.0,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
    "Ei": 2**60,
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
}
"""Suffixes of Kubernetes' quantities."""


def quantity(text: Any) -> float:
    """A quantity as a number: `250m` is 0.25, `64Mi` is 67108864. Raises `Invalid` for what is none."""
    found = _QUANTITY.fullmatch(str(text).strip())
    if found is None:
        raise Invalid("quantity-unreadable", f"{str(text)[:40]!r} is no quantity such as 250m or 64Mi")
    return float(found[1]) * _UNITS[found[2] or ""]


def asked(spec: Mapping[str, Any], resource: str, kind: str = "requests") -> float:
    """What a pod's containers ask for together, of `cpu` or `memory`; a limit counts where no request is said, and what
    can't be read counts as nothing.
    """
    total = 0.0
    for container in spec.get("containers") or ():
        resources = container.get("resources") or {}
        named = (resources.get(kind) or {}).get(resource)
        if named is None:
            named = (resources.get("limits") or {}).get(resource)
        with suppress(Invalid):
            total += quantity(named) if named is not None else 0.0
    return total


def suits(spec: Mapping[str, Any], node: Seen, *, effects: Iterable[str] = ("NoSchedule", "NoExecute")) -> bool:
    """Whether node selector, required affinity and taints of these effects let a pod of this spec be there at all."""
    labels = {**labels_of(node), "metadata.name": name_of(node)}
    wanted = (spec.get("nodeSelector") or {}).items()
    if not wanted <= labels.items():
        return False
    taints = [taint for taint in node["spec"].get("taints") or () if taint.get("effect") in effects]
    if not all(any(_tolerates(t, taint) for t in spec.get("tolerations") or ()) for taint in taints):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms = (affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms")
    return not terms or any(_term(term, labels) for term in terms)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint.get("key"))
    return bool(toleration.get("key") == taint.get("key") and toleration.get("value", "") == taint.get("value", ""))


def _term(term: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    return all(_meets(e, labels) for e in _expressions(term))


def _expressions(term: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    yield from term.get("matchExpressions") or ()
    yield from term.get("matchFields") or ()


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False
