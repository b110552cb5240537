"""What this process has observed of the cluster: services, Deployments and Istio's objects, and what has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from services.mesh.domain.component import Component, JsonObject, Key, Workload, component, key_of, workload

NAMES: Mapping[str, str] = {
    "services": "core/v1",
    "deployments": "apps/v1",
    "destinationrules": "Istio",
    "virtualservices": "Istio",
}
"""Kinds that are followed."""


class View:
    """Keeps of each object what routing is made from, and the services that have to be looked at, each once."""

    def __init__(self) -> None:
        self._components: dict[Key, Component] = {}
        self._workloads: dict[str, dict[Key, Workload]] = {}
        self._standing: dict[str, dict[Key, JsonObject]] = {"destinationrules": {}, "virtualservices": {}}
        self._heard: dict[Key, None] = {}
        self._synced: set[str] = set()
        self._wake: Callable[[], None] = _nobody

    @property
    def stands(self) -> bool:
        """Whether every kind was listed once."""
        return self._synced.issuperset(NAMES)

    def synced(self, plural: str) -> None:
        """A list is through."""
        self._synced.add(plural)
        self._wake()

    def woken(self, wake: Callable[[], None]) -> None:
        """Who is told of changes from now on."""
        self._wake = wake

    def take(self, plural: str, found: JsonObject) -> None:
        """An object's present form."""
        key = key_of(found)
        if plural == "services":
            self._components[key] = component(found)
            self.hear(key)
        elif plural == "deployments":
            self._work(key, workload(found))
        else:
            self._stand(plural, key, found)

    def drop(self, plural: str, found: JsonObject) -> None:
        """An object is gone."""
        key = key_of(found)
        if plural == "services":
            self._components.pop(key, None)
            self.hear(key)
        elif plural == "deployments":
            self._work(key, None)
        else:
            self._standing[plural].pop(key, None)
            self._hear_standing(plural, key)

    def wrote(self, plural: str, found: JsonObject) -> None:
        """An object was written by ourselves: nothing has to be looked at."""
        self._standing[plural][key_of(found)] = _slim(found)

    def hear(self, key: Key) -> None:
        """A service has to be looked at."""
        self._heard[key] = None
        self._wake()

    def hear_component(self, namespace: str, app: str) -> None:
        """The services of a component have to be."""
        for found in self._components.values():
            if found.key.namespace == namespace and found.app == app:
                self.hear(found.key)

    def heard(self, most: int) -> tuple[Key, ...]:
        """So many of the services that have to be looked at, in the order in which they were heard of."""
        found = tuple(islice(self._heard, most))
        for key in found:
            del self._heard[key]
        return found

    def component(self, key: Key) -> Component | None:
        """A service."""
        return self._components.get(key)

    def governed(self) -> Iterator[Key]:
        """Every service whose traffic is governed."""
        return (key for key, found in self._components.items() if found.governed)

    def workloads(self, namespace: str) -> list[Workload]:
        """The Deployments of a namespace."""
        return list(self._workloads.get(namespace, {}).values())

    def standing(self, plural: str, key: Key) -> JsonObject | None:
        """One of Istio's objects."""
        return self._standing[plural].get(key)

    def _work(self, key: Key, now: Workload | None) -> None:
        place = self._workloads.setdefault(key.namespace, {})
        before = place.pop(key, None)
        if now is not None:
            place[key] = now
        if not place:
            del self._workloads[key.namespace]
        if before == now:
            return
        for found in self._components.values():
            if found.key.namespace == key.namespace and found.governed and _runs(found, before, now):
                self.hear(found.key)

    def _stand(self, plural: str, key: Key, found: JsonObject) -> None:
        """One of Istio's objects; an older form than what is held is passed over."""
        held = self._standing[plural].get(key)
        if held is not None and _older(found["metadata"], held["metadata"]):
            return
        self._standing[plural][key] = _slim(found)
        self._hear_standing(plural, key)

    def _hear_standing(self, plural: str, key: Key) -> None:
        """A service of that name, or those of the component that the object is named after, are looked at."""
        if plural == "destinationrules":
            if key in self._components:
                self.hear(key)
        else:
            self.hear_component(key.namespace, key.name)


def _runs(component: Component, *workloads: Workload | None) -> bool:
    return any(one is not None and one.runs(component) for one in workloads)


def _older(found: JsonObject, held: JsonObject) -> bool:
    """Whether it was told late, by metadata; versions count up, as Kubernetes has them compared."""
    one, other = str(found.get("resourceVersion", "")), str(held.get("resourceVersion", ""))
    return found.get("uid") == held.get("uid") and one.isdigit() and other.isdigit() and int(one) < int(other)


def _slim(found: JsonObject) -> JsonObject:
    """Without who manages which field, which is half of an object."""
    return {**found, "metadata": {key: value for key, value in found["metadata"].items() if key != "managedFields"}}


def _nobody() -> None:
    """Wake nobody."""
