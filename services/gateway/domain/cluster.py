"""Which requests are the cluster's, and how they pass: all that Kubernetes serves and no service of ours does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from services.gateway.domain.attributes import KUBERNETES, PREFIXES, Attributes
from services.gateway.domain.path import Path
from services.gateway.domain.route import Entry, Match, Table

CLUSTER = ""
"""Stands for the cluster where routes name a service."""
HOST = "host"
"""The one cluster there is, as `/kapis/clusters/<name>/…` names it."""
CLUSTERS = "clusters"
LARGEST = 3 << 20
"""Bytes of a body: what Kubernetes takes."""
READING = frozenset({"GET", "HEAD"})
DISCOVERY: Mapping[str, int] = {"api": 1, "apis": 2, "openapi": 64, "version": 0}
"""Paths that tell what there is, and how deep; open to everybody who is signed in, as in every cluster."""
PROBES = frozenset({"livez", "readyz", "healthz"})
CONNECTING = frozenset({"exec", "attach", "portforward"})
"""Subresources by which one acts in a pod, whatever the method: a WebSocket begins with GET."""
WATCH = "watch"
SELECTOR = "fieldSelector"
FOLLOWED = "log"
PROXIED = "proxy"

_DECIDED = Entry(CLUSTER, "*", "", "decided", max_body=LARGEST, dialect="kubernetes")
_OPEN = replace(_DECIDED, access="signed-in")
_LASTING = replace(_DECIDED, streams=True)


def local(path: Path, table: Table) -> Path:
    """Without the segments that name our own cluster, which follow the prefix: they are read only where clients find
    clusters listed, as the original does.
    """
    segments = path.segments
    named = segments[:1] and segments[0] in PREFIXES and segments[1:3] == (CLUSTERS, HOST) and segments[3:]
    if table.clustered and named:
        return Path((segments[0], *segments[3:]), max(1, path.ambiguous - 2))
    return path


def forwarded(method: str, path: Path, asked: Attributes, query: str, table: Table) -> Match | None:
    """The route of what the cluster is to answer; None for what it is not asked. Look into the table first."""
    if not path.segments or path.segments[1:2] == (CLUSTERS,):
        return None
    head, rest = path.segments[0], path.segments[1:]
    if head == "apis" and rest and rest[0] in table.groups:
        return None
    if method in READING and discovers(path.segments):
        return Match(_OPEN, {})
    if head not in KUBERNETES | PROBES | DISCOVERY.keys():
        return None
    return Match(_LASTING if _lasts(asked, query) else _DECIDED, {})


def watched(path: Path, asked: Attributes, query: str) -> tuple[Path, str]:
    """Path and query of a watch in the form that every server takes: the old one names its verb in the path, and
    consoles use it.
    """
    at = 2 if asked.prefix == "api" else 3
    head, tail = path.segments[:at], path.segments[at + 1 :]
    if asked.verb != WATCH or path.segments[at : at + 1] != (WATCH,) or not tail:
        return path, query
    pairs = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != WATCH]
    if len(tail) % 2 == 0:
        tail, own = tail[:-1], f"metadata.name={tail[-1]}"
        terms = [own, *(value for name, value in pairs if name == SELECTOR and value)]
        pairs = [*((name, value) for name, value in pairs if name != SELECTOR), (SELECTOR, ",".join(terms))]
    return Path((*head, *tail), path.ambiguous - 1), urlencode([*pairs, (WATCH, "true")])


def discovers(segments: Sequence[str]) -> bool:
    """Whether a path tells what there is: groups, versions, kinds, schemas."""
    return bool(segments) and len(segments) - 1 <= DISCOVERY.get(segments[0], -1)


def decided_by(asked: Attributes) -> Attributes:
    """What a forwarded request is decided by: whoever may only read a pod does not act in it."""
    if asked.resource == "pods" and asked.subresource in CONNECTING and asked.verb == "get":
        return replace(asked, verb="create")
    return asked


def _lasts(asked: Attributes, query: str) -> bool:
    """Whether the answer ends when the client says so: watches, logs that are followed, what is proxied to."""
    if asked.verb == WATCH or PROXIED in (asked.subresource, asked.verb) or asked.subresource in CONNECTING:
        return True
    if asked.subresource != FOLLOWED or "follow" not in query:
        return False
    return any(key == "follow" and value.lower() in ("1", "t", "true") for key, value in parse_qsl(query))
