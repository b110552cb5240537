"""What stands in the cluster, as series: worked out when an object changes; nothing else is kept of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from libs.shared.errors import Fault
from libs.shared.kube.watch import What
from services.monitoring.domain.labels import Labels
from services.monitoring.domain.state import Kind, labels_of_state
from services.monitoring.parts import Parts

RETRY, LONGEST_RETRY = 2.0, 60.0
"""Seconds until a kind is asked for again that the cluster doesn't serve or show: soon, it may still be starting."""
NODES, PODS = "/api/v1/nodes", "/api/v1/pods"
EXPORTERS = ("node-exporter", "prometheus-node-exporter")
"""Names by which the pods of a node exporter are known."""
MOST = 200_000
"""Series of objects that are kept; those of further objects are left out."""


class Observed:
    """Series of each object, and where exporters of nodes run."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str, str], list[tuple[Labels, float]]] = {}
        self._places: dict[tuple[str, str], tuple[int, str]] = {}
        self._number = 0
        self.synced: set[str] = set()

    def put(self, kind: Kind, item: Mapping[str, Any]) -> None:
        """An object as it is now."""
        key = _key(kind.path, item)
        self.drop(kind.path, item)
        series = [(labels_of_state(state), state[2]) for state in kind.told(item)]
        if self._number + len(series) <= MOST:
            self._series[key] = series
            self._number += len(series)
        node = (item.get("spec") or {}).get("nodeName") if kind.path == PODS else None
        if node:
            self._places[key[1:]] = (_rank(item), node)

    def drop(self, path: str, item: Mapping[str, Any]) -> None:
        """An object that is gone."""
        key = _key(path, item)
        self._number -= len(self._series.pop(key, ()))
        if path == PODS:
            self._places.pop(key[1:], None)

    def forget(self, path: str) -> None:
        """All objects of a kind: they are told again."""
        for key in [key for key in self._series if key[0] == path]:
            self._number -= len(self._series.pop(key))
        self.synced.discard(path)

    def series(self) -> Iterator[tuple[Labels, float]]:
        """All of them."""
        for several in self._series.values():
            yield from several

    def nodes(self) -> list[str]:
        """Names, sorted."""
        return sorted(name for path, _, name in self._series if path == NODES)

    def place(self, node: str) -> tuple[str, str]:
        """Namespace and name of the pod that stands for a node's exporter: one of the exporter's own where there is
        one, else the first of the node's pods. What a node exposes is joined to the node by that.
        """
        found = sorted((rank, key) for key, (rank, where) in self._places.items() if where == node)
        return found[0][1] if found else ("", "")


def _rank(item: Mapping[str, Any]) -> int:
    meta = item["metadata"]
    labels = meta.get("labels") or {}
    if labels.get("app.kubernetes.io/name") in EXPORTERS or str(meta.get("name", "")).startswith(EXPORTERS):
        return 0
    owners = meta.get("ownerReferences") or ()
    return 1 if any(one.get("kind") == "DaemonSet" for one in owners) else 2


def _key(path: str, item: Mapping[str, Any]) -> tuple[str, str, str]:
    meta = item.get("metadata") or {}
    return path, meta.get("namespace", ""), meta.get("name", "")


async def observe(kind: Kind, observed: Observed, parts: Parts) -> None:
    """Follow a kind for ever; one that the cluster doesn't serve or show is asked for again."""
    pause = RETRY
    while True:
        observed.forget(kind.path)
        try:
            async for change in parts.targets.cluster.watch(kind.path):
                if change.type is What.SYNCED:
                    observed.synced.add(kind.path)
                elif change.type is What.DELETED:
                    observed.drop(kind.path, change.object)
                else:
                    observed.put(kind, change.object)
        except Fault as fault:
            parts.journal.log.debug("observe", kind=kind.path, fault=fault.slug)
        await parts.clock.sleep(pause)
        pause = min(2 * pause, LONGEST_RETRY)
