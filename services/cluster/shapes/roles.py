"""Roles of projects as the console makes them: out of templates that an annotation names (iam-gateway 6.1, 7.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from libs.shared.errors import Malformed, Missing
from libs.shared.objects import meta
from services.cluster.domain import resource
from services.cluster.domain.project import LABELS_OF_TEMPLATES
from services.cluster.domain.resource import RBAC, ROLES, JsonObject

AGGREGATION = "iam.kubesphere.io/aggregation-roles"
AGGREGATE_TO = "aggregateTo"
KEPT = ("name", "labels", "annotations", "resourceVersion")


def aggregated(role: JsonObject) -> tuple[str, ...]:
    """The templates that a role is made of, each once; none where the annotation can't be read."""
    try:
        found = orjson.loads(resource.notes(role).get(AGGREGATION, "[]"))
    except ValueError:
        return ()
    return tuple(dict.fromkeys(one for one in found if isinstance(one, str))) if isinstance(found, list) else ()


def is_template(role: JsonObject) -> bool:
    """Whether it is a part of others, offered (its label says true) or hidden."""
    return LABELS_OF_TEMPLATES in resource.labels(role)


def wished(body: Mapping[str, Any], namespace: str, template: Callable[[str], JsonObject | None]) -> dict[str, Any]:
    """The Role that a client wants: its rules are the sum of its templates', what it says itself is not read.

    Raises `Malformed` for metadata of a wrong type, `Missing` for a template that isn't there.
    """
    about = body.get("metadata")
    if not isinstance(about, Mapping):
        raise Malformed("body-metadata", "a role has metadata with a name")
    flaws = meta.check(about)
    if flaws or not about.get("name"):
        said = "; ".join(f"{flaw.field}: {flaw.text}" for flaw in flaws) or "metadata.name: Required value"
        raise Malformed("role-invalid", f"the role is invalid: {said}")
    kept = {key: about[key] for key in KEPT if about.get(key)} | {"namespace": namespace}
    role: dict[str, Any] = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": kept}
    rules: list[Any] = []
    for name in aggregated(role):
        part = template(name)
        if part is None:
            raise unknown_role(name)
        rules += part.get("rules") or ()
    return {**role, "rules": rules}


def unknown_role(name: str) -> Missing:
    """A role that isn't there."""
    text = f'{ROLES.plural}.{RBAC} "{name}" not found'
    return Missing("role-missing", text, resource=ROLES.plural, name=name)
