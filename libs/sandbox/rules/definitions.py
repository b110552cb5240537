"""Rules of CustomResourceDefinitions: what one declares can be served, and takes nothing from the built-in kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from libs.sandbox.builtin import RESOURCES
from libs.sandbox.rules.invalid import forbidden, required, unsupported, wrong
from libs.shared.errors import Flaw
from libs.shared.objects import names

Body = dict[str, Any]
_SCOPES: Final = ("Cluster", "Namespaced")
_BUILTIN: Final = frozenset(resource.group for resource in RESOURCES)


def definition(body: Body) -> Iterator[Flaw]:
    """What is wrong with a definition."""
    spec = body.get("spec") or {}
    group, called = spec.get("group") or "", spec.get("names") or {}
    if not group:
        yield required("spec.group")
    elif group in _BUILTIN:
        yield forbidden("spec.group", "this group has kinds of its own")
    else:
        yield from (wrong("spec.group", group, why) for why in names.subdomain(group))
    for field, rule in (("plural", names.label_1035), ("kind", _kind)):
        value = called.get(field) or ""
        if not value:
            yield required(f"spec.names.{field}")
        yield from (wrong(f"spec.names.{field}", value, why) for why in (rule(value) if value else ()))
    if (scope := spec.get("scope") or "") not in _SCOPES:
        yield unsupported("spec.scope", scope, _SCOPES)
    name = body["metadata"].get("name", "")
    if name != (full := f"{called.get('plural')}.{group}"):
        yield wrong("metadata.name", name, f'must be spec.names.plural+"."+spec.group: {full}')
    yield from _versions(spec.get("versions") or [])


def _versions(versions: list[Body]) -> Iterator[Flaw]:
    if not versions:
        yield required("spec.versions", "must have at least one version")
        return
    for place, version in enumerate(versions):
        path, name = f"spec.versions[{place}]", version.get("name") or ""
        yield from (wrong(f"{path}.name", name, why) for why in names.label_1035(name))
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            yield required(f"{path}.schema.openAPIV3Schema", "schemas are required")
    if sum(version.get("storage") is True for version in versions) != 1:
        yield wrong("spec.versions", len(versions), "must have exactly one version marked as storage version")
    for name, count in Counter(version.get("name") for version in versions).items():
        if count > 1:
            yield wrong("spec.versions", name, "must contain unique version names")


def _kind(value: str) -> tuple[str, ...]:
    return names.label_1035(value.lower())
