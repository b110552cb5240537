"""What a request is: verb, resource and place, worked out from method, path and query (iam-gateway, section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import parse_qsl

from libs.shared.errors import Malformed
from services.gateway.domain.path import Path

PREFIXES = frozenset({"api", "apis", "kapis", "kapi"})
GROUPED = frozenset({"apis", "kapis"})
KUBERNETES = frozenset({"api", "apis"})
VERBS: Mapping[str, str] = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
READING = frozenset({"get", "list", "watch"})
WORKSPACE_SELECTOR = "kubesphere.io/workspace="
NAME_SELECTOR = "metadata.name="
ON_NAMESPACE = (("status",), ("finalize",))
IAM = "iam.kubesphere.io"
TENANT = "tenant.kubesphere.io"
NOTIFICATION = "notification.kubesphere.io"
GLOBAL_RESOURCES = frozenset(
    {
        (IAM, "users"),
        (IAM, "globalroles"),
        (IAM, "globalrolebindings"),
        (TENANT, "workspaces"),
        (TENANT, "clusters"),
        ("cluster.kubesphere.io", "clusters"),
        ("resources.kubesphere.io", "clusters"),
        (NOTIFICATION, "configs"),
        (NOTIFICATION, "receivers"),
        (NOTIFICATION, "notificationmanagers"),
        (NOTIFICATION, "routers"),
        (NOTIFICATION, "silences"),
    }
)
"""Resources that belong to the platform whatever the path around them; the version does not matter."""


class Scope(StrEnum):
    """Which bindings may allow a request, besides the global ones."""

    NONE = ""
    GLOBAL = "Global"
    CLUSTER = "Cluster"
    WORKSPACE = "Workspace"
    NAMESPACE = "Namespace"
    DEVOPS = "DevOps"


@dataclass(frozen=True, slots=True)
class Attributes:
    """A request as rules see it. A non-resource request has its method as verb, and neither resource nor scope."""

    verb: str
    path: str
    prefix: str = ""
    group: str = ""
    version: str = ""
    cluster: str = ""
    workspace: str = ""
    namespace: str = ""
    devops: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""
    scope: Scope = Scope.NONE
    resource_request: bool = False
    kubernetes_request: bool = False
    keys: tuple[str, ...] = ()
    """What a rule's `resources` may say to mean this resource: itself, everything, this subresource of everything."""


def resource_keys(resource: str, subresource: str) -> tuple[str, ...]:
    """`pods/log` -> `pods/log`, `*`, `*/log`; a rule for `pods` does not cover `pods/log`."""
    if subresource:
        return f"{resource}/{subresource}", "*", f"*/{subresource}"
    return resource, "*"


def read_attributes(method: str, path: Path, query: str) -> Attributes:
    """The attributes of a request. Raises `Malformed` where path or query can be read in two ways."""
    segments = path.segments
    prefix = segments[0] if segments else ""
    plain = Attributes(verb=method, path=path.text, kubernetes_request=prefix in KUBERNETES)
    if not segments[2:] or prefix not in PREFIXES:
        return _unambiguous(plain, path, len(segments))
    rest, cluster = _past_cluster(segments[1:])
    plain = replace(plain, cluster=cluster, prefix=prefix)
    if not rest[2 if prefix in GROUPED else 1 :]:
        return _unambiguous(plain, path, len(segments))
    group, rest = (rest[0], rest[1:]) if prefix in GROUPED else ("", rest)
    version, rest = rest[0], rest[1:]
    verb, rest = _verb(method, rest)
    place = _Place.of(rest)
    resource, name, subresource = _named(place.rest, verb)
    decisive = len(segments) - max(0, len(place.rest) - (2 if verb == "proxy" else 3))
    found = replace(
        plain,
        verb=verb,
        group=group,
        version=version,
        workspace=place.workspace,
        namespace=place.namespace,
        devops=place.devops,
        resource=resource,
        name=name,
        subresource=subresource,
        resource_request=True,
        keys=resource_keys(resource, subresource),
    )
    return _unambiguous(_finished(found, query), path, decisive)


def _unambiguous(found: Attributes, path: Path, decisive: int) -> Attributes:
    if path.ambiguous < decisive:
        raise Malformed("path-ambiguous", "a segment that is decided by holds an encoded slash or a semicolon")
    return found


def _past_cluster(rest: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    if rest[0] != "clusters" or not rest[1:]:
        return rest, ""
    return rest[2:] or rest, rest[1]


def _verb(method: str, rest: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The deprecated path form names its verb; only a reading method can mean `watch` by it."""
    if rest[0] == "proxy" or (rest[0] == "watch" and VERBS.get(method) == "get"):
        return rest[0], rest[1:]
    return VERBS.get(method, ""), rest


@dataclass(frozen=True, slots=True)
class _Place:
    workspace: str
    namespace: str
    devops: str
    rest: tuple[str, ...]

    @classmethod
    def of(cls, rest: tuple[str, ...]) -> _Place:
        workspace = namespace = devops = ""
        if rest[0:1] == ("workspaces",) and rest[1:]:
            workspace = rest[1]
            rest = rest[2:] or rest
        if rest[0:1] == ("namespaces",) and rest[1:]:
            namespace = rest[1]
            rest = rest if rest[2:3] in ON_NAMESPACE else rest[2:] or rest
        elif rest[0:1] == ("devops",) and rest[1:]:
            devops = rest[1]
            rest = rest[2:] or rest
        return cls(workspace, namespace, devops, rest)


def _named(rest: tuple[str, ...], verb: str) -> tuple[str, str, str]:
    resource, name, subresource = (*rest[:3], "", "", "")[:3]
    return resource, name, "" if verb == "proxy" else subresource


def _finished(found: Attributes, query: str) -> Attributes:
    if not found.name:
        found = _nameless(found, query)
    return found if found.scope else replace(found, scope=_scope(found))


def _scope(found: Attributes) -> Scope:
    if (found.group, found.resource) in GLOBAL_RESOURCES:
        return Scope.GLOBAL
    if found.namespace:
        return Scope.NAMESPACE
    if found.devops:
        return Scope.DEVOPS
    return Scope.WORKSPACE if found.workspace else Scope.CLUSTER


def _nameless(found: Attributes, query: str) -> Attributes:
    if found.verb == "delete":
        return replace(found, verb="deletecollection")
    if found.verb not in ("get", "watch"):
        return found
    if not query:
        return replace(found, verb="list" if found.verb == "get" else found.verb)
    asked = _Query(query)
    verb = "watch" if found.verb == "watch" or asked.watches() else "list"
    found = replace(found, verb=verb)
    return _selected(found, asked) if found.kubernetes_request else found


def _selected(found: Attributes, asked: _Query) -> Attributes:
    """Selectors narrow what is decided only under `/api` and `/apis`, where every server obeys them."""
    terms = asked.single("fieldSelector").split(",")
    names = {t.removeprefix(NAME_SELECTOR).removeprefix("=") for t in terms if t.startswith(NAME_SELECTOR)}
    if len(names) == 1:
        found = replace(found, name=names.pop())
    labels = asked.single("labelSelector")
    placed = found.namespace or found.devops or found.workspace
    if found.verb == "watch" and not placed and labels.startswith(WORKSPACE_SELECTOR):
        return replace(found, workspace=labels.removeprefix(WORKSPACE_SELECTOR), scope=Scope.WORKSPACE)
    return found


class _Query:
    """The parameters that bear on a decision."""

    def __init__(self, raw: str) -> None:
        try:
            pairs = parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=200)
        except ValueError:
            raise Malformed("query", "the query is not UTF-8, or has more than 200 parameters") from None
        self._pairs = pairs

    def watches(self) -> bool:
        """As Kubernetes reads a boolean: present and neither `false` nor `0`."""
        values = [value for key, value in self._pairs if key == "watch"]
        if len(values) > 1:
            raise Malformed("query-watch", "the parameter watch is given more than once")
        return bool(values) and values[0].lower() not in ("false", "0")

    def single(self, key: str) -> str:
        """The value of a parameter that is given once; a repeated one narrows nothing, as servers differ on it."""
        values = [value for found, value in self._pairs if found == key]
        return values[0] if len(values) == 1 else ""
