"""What a request's path is about: a group, a version, a resource, an object, a subresource."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from libs.sandbox.resource import Catalogue, Resource
from libs.shared.errors import Malformed, Missing

_SPACES = "namespaces"


@dataclass(frozen=True, slots=True)
class Place:
    """A path below `/api/v1` or `/apis/<group>/<version>` that names a resource."""

    resource: Resource
    version: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    """What follows the subresource, for the one that has more: a proxy."""
    vet: Callable[[dict[str, Any]], None] | None = None
    """Looks at what a write here would result in, and raises where the caller may not."""

    @property
    def api_version(self) -> str:
        """The one that is asked for."""
        return self.resource.at(self.version)

    @property
    def every_namespace(self) -> bool:
        """Whether it is a namespaced resource, asked for without a namespace."""
        return self.resource.namespaced and not self.namespace


def place(catalogue: Catalogue, raw_path: str) -> Place | None:
    """The place, or None where the path names no resource (discovery and the like).

    Raises `Missing` for a resource, a version or a subresource that isn't served, `Malformed` for a name that can't be
    read.
    """
    steps = [_step(step) for step in raw_path.split("/")[1:]]
    head = 2 if steps[0] == "api" else 3
    if steps[0] not in ("api", "apis") or len(steps) <= head or not steps[head]:
        return None
    group, version = ("", steps[1]) if steps[0] == "api" else (steps[1], steps[2])
    return _within(catalogue, group, version, steps[head:])


def _within(catalogue: Catalogue, group: str, version: str, steps: list[str]) -> Place:
    namespace = ""
    below = steps[2:] if steps[0] == _SPACES else []
    if below and (group or below[0] not in ("status", "finalize")):
        namespace, steps = steps[1], below
    plural, name, subresource, *rest = (*steps, "", "")[: max(3, len(steps))]
    resource = catalogue.by_path(group, version, plural)
    if resource is None or (namespace and not resource.namespaced) or (rest and subresource != "proxy"):
        raise unknown()
    if subresource and subresource not in resource.subresources:
        raise unknown()
    if resource.namespaced and name and not namespace:
        raise unknown()
    return Place(resource, version, namespace, name, subresource, "/".join(rest))


def unknown() -> Missing:
    """What a path is answered with that nothing is served at."""
    return Missing("no-route", "the server could not find the requested resource")


def _step(raw: str) -> str:
    try:
        return unquote(raw, errors="strict")
    except UnicodeDecodeError:
        raise Malformed("path-unreadable", "the path is no UTF-8") from None
