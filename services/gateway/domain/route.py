"""The table of routes: which service a path belongs to, who may pass, what its service wants to know of the caller.

It is made from the services' own ROUTES and kinds by `hack/routes.py`, so that no route is written down twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TAIL = ":.*}"
GATEWAY = "gateway"
CLUSTERS = ("/kapis/cluster.kubesphere.io/", "/apis/cluster.kubesphere.io/")


@dataclass(frozen=True, slots=True)
class Entry:
    """One route as the gateway sees it. `questions` are the May and Mine of its declaration."""

    service: str
    method: str
    path: str
    access: str
    questions: tuple[Any, ...] = ()
    max_body: int = 1 << 20
    streams: bool = False
    dialect: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """The route of a request, with the parameters of its path."""

    entry: Entry
    parameters: Mapping[str, str]


@dataclass(slots=True)
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    tail: dict[str, Entry] = field(default_factory=dict)
    here: dict[str, Entry] = field(default_factory=dict)


class Table:
    """A tree of segments: a literal goes before a parameter, a parameter before a tail."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self.groups = frozenset(
            e.path.split("/")[2] for e in self.entries if e.path.startswith("/apis/") and e.service != GATEWAY
        )
        """API groups that a service serves with Kubernetes' manners. Where the gateway itself answers a path of a group
        the rest of it is the cluster's."""
        self.clustered = any(e.path.startswith(CLUSTERS) for e in self.entries)
        """Whether a service lists clusters by name."""
        self._methods = frozenset(e.method for e in self.entries)
        self._root = _Node()
        for entry in self.entries:
            self._add(entry)

    def find(self, method: str, segments: Sequence[str]) -> Match | None:
        """The route of this method and these decoded segments."""
        entry = _found(self._root, method, segments)
        return None if entry is None else Match(entry, _parameters(entry.path, segments))

    def methods(self, segments: Sequence[str]) -> frozenset[str]:
        """The methods that this path has: what a 405 names."""
        return frozenset(method for method in self._methods if _found(self._root, method, segments) is not None)

    def _add(self, entry: Entry) -> None:
        node = self._root
        for part in entry.path.strip("/").split("/"):
            if part.endswith(TAIL):
                node.tail[entry.method] = entry
                return
            if part.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literal.setdefault(part, _Node())
        node.here[entry.method] = entry


def _found(node: _Node, method: str, segments: Sequence[str]) -> Entry | None:
    if not segments:
        return node.here.get(method) or node.tail.get(method)
    for child in (node.literal.get(segments[0]), node.parameter):
        entry = None if child is None else _found(child, method, segments[1:])
        if entry is not None:
            return entry
    return node.tail.get(method)


def _parameters(path: str, segments: Sequence[str]) -> dict[str, str]:
    parts = path.strip("/").split("/")
    return {
        part.strip("{}").partition(":")[0]: "/".join(segments[i:]) if part.endswith(TAIL) else segments[i]
        for i, part in enumerate(parts)
        if part.startswith("{") and i < len(segments)
    }
