"""Which objects labels and fields choose, and which fields each resource can be chosen by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from libs.sandbox.resource import Resource
from libs.shared.errors import Malformed
from libs.shared.objects.fields import FieldSelector, Term, read
from libs.shared.objects.selectors import Selector

_ALWAYS: Final = frozenset({"metadata.name", "metadata.namespace"})
_EVENT: Final = frozenset(
    {f"involvedObject.{field}" for field in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion")}
    | {"involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"}
)
_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "pods": frozenset(
        {
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        }
    ),
    "nodes": frozenset({"spec.unschedulable"}),
    "namespaces": frozenset({"status.phase"}),
    "secrets": frozenset({"type"}),
    "services": frozenset({"spec.clusterIP", "spec.type"}),
    "replicationcontrollers": frozenset({"status.replicas"}),
    "replicasets.apps": frozenset({"status.replicas"}),
    "jobs.batch": frozenset({"status.successful"}),
    "events": _EVENT,
}
"""Beside the name and the namespace. Source: the strategies and conversions of k8s.io/kubernetes."""
_NUMBERS: Final = frozenset({"status.replicas", "status.succeeded"})
_FLAGS: Final = frozenset({"spec.unschedulable", "spec.hostNetwork"})
_AGAIN: Final[Mapping[str, str]] = {"source": "source.component", "status.successful": "status.succeeded"}


def selected(
    resource: Resource, labels: Selector, fields: FieldSelector, name: str = ""
) -> Callable[[Mapping[str, Any]], bool]:
    """Whether an object is chosen; raises `Malformed` for a field that it can't be chosen by."""
    allowed = _ALWAYS | _FIELDS.get(resource.store, frozenset())
    for term in fields.terms:
        if term.field not in allowed:
            raise Malformed("field-not-selectable", f"field label not supported: {term.field}")
    terms = tuple(map(_read, fields.terms))

    def fits(body: Mapping[str, Any]) -> bool:
        metadata = body["metadata"]
        if name and metadata["name"] != name:
            return False
        if labels and not labels.matches(metadata.get("labels") or {}):
            return False
        return not terms or _meets(body, terms)

    return fits


def _read(term: Term) -> Term:
    return Term(_AGAIN.get(term.field, term.field), term.value, negated=term.negated)


def _meets(body: Mapping[str, Any], terms: tuple[Term, ...]) -> bool:
    """A flag or a number that isn't there is false, or 0."""
    for term in terms:
        absent = "false" if term.field in _FLAGS else "0" if term.field in _NUMBERS else ""
        if not term.matches({term.field: read(body, term.field) or absent}):
            return False
    return True
