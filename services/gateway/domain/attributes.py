"""What a request is: verb, resource and place, worked out from method, path and query (iam-gateway, section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
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
NAMELESS = frozenset({"get", "watch", "delete"})
READING = frozenset({"get", "list", "watch"})
WORKSPACE_SELECTOR = "kubesphere.io/workspace="
NAME_SELECTOR = "metadata.name="
ON_NAMESPACE = (("status",), ("finalize",))
IAM = "iam.kubesphere.io"
TENANT = "tenant.kubesphere.io"
NOTIFICATION = "notification.kubesphere.io"
IN_DEVOPS = frozenset({("devops.kubesphere.io", "pipelines"), ("devops.kubesphere.io", "pipelineruns")})
"""What lies in a DevOps project where its path names a namespace: the project's own, of the same name. A namespace of
the cluster that is called so lends no right in it.
"""
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
    rest, cluster = _past_cluster(segments[1:]) if segments[2:] and prefix in PREFIXES else ((), "")
    if not rest[2 if prefix in GROUPED else 1 :]:
        _require_plain(path, len(segments))
        return Attributes(method, path.text, cluster=cluster, kubernetes_request=prefix in KUBERNETES)
    group, rest = (rest[0], rest[1:]) if prefix in GROUPED else ("", rest)
    version, rest = rest[0], rest[1:]
    verb, rest = _verb(method, rest)
    workspace, namespace, devops, rest = _placed(rest, whole=prefix not in KUBERNETES)
    resource, name, subresource = (*rest[:3], "", "", "")[:3]
    devops = devops or (namespace if (group, resource) in IN_DEVOPS else "")
    if verb == "proxy":
        subresource = ""
    _require_plain(path, len(segments) - max(0, len(rest) - (2 if verb == "proxy" else 3)))
    scope = _scope(group, resource, _Place(workspace, namespace, devops))
    if not name and verb in NAMELESS:
        asked = _Query(query)
        verb = _nameless(verb, asked)
        if prefix in KUBERNETES and query:
            name = asked.name()
            if verb == "watch" and scope is Scope.CLUSTER and (selected := asked.workspace()):
                workspace, scope = selected, Scope.WORKSPACE
    return Attributes(
        verb=verb,
        path=path.text,
        prefix=prefix,
        group=group,
        version=version,
        cluster=cluster,
        workspace=workspace,
        namespace=namespace,
        devops=devops,
        resource=resource,
        name=name,
        subresource=subresource,
        scope=scope,
        resource_request=True,
        kubernetes_request=prefix in KUBERNETES,
        keys=resource_keys(resource, subresource),
    )


def wished(
    group: str, resource: str, *, verb: str = "", subresource: str = "", namespace: str = "", name: str = ""
) -> Attributes:
    """The attributes of a request to the cluster that is only asked about, as `read_attributes` would read it."""
    devops = namespace if (group, resource) in IN_DEVOPS else ""
    return Attributes(
        verb=verb,
        path="",
        prefix="apis" if group else "api",
        group=group,
        namespace=namespace,
        resource=resource,
        name=name,
        subresource=subresource,
        devops=devops,
        scope=_scope(group, resource, _Place("", namespace, devops)),
        resource_request=True,
        kubernetes_request=True,
        keys=resource_keys(resource, subresource),
    )


def _require_plain(path: Path, decisive: int) -> None:
    if path.ambiguous < decisive:
        raise Malformed("path-ambiguous", "a segment that is decided by holds an encoded slash or a semicolon")


def _past_cluster(rest: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    if rest[0] != "clusters" or not rest[1:]:
        return rest, ""
    return rest[2:] or rest, rest[1]


def _verb(method: str, rest: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The deprecated path form names its verb; only a reading method can mean `watch` by it."""
    if rest[0] == "proxy" or (rest[0] == "watch" and VERBS.get(method) == "get"):
        return rest[0], rest[1:]
    return VERBS.get(method, ""), rest


class _Place(NamedTuple):
    workspace: str
    namespace: str
    devops: str


def _placed(rest: tuple[str, ...], *, whole: bool) -> tuple[str, str, str, tuple[str, ...]]:
    """Workspace, namespace and DevOps project of the path, and what follows them. Kubernetes (not `whole`) knows
    namespaces alone: what it would take for a resource is none of our places.
    """
    workspace = namespace = devops = ""
    if whole and rest[:1] == ("workspaces",) and rest[1:]:
        workspace = rest[1]
        rest = rest[2:] or rest
    if rest[:1] == ("namespaces",) and rest[1:]:
        namespace = rest[1]
        rest = rest if rest[2:3] in ON_NAMESPACE else rest[2:] or rest
    elif whole and rest[:1] == ("devops",) and rest[1:]:
        devops = rest[1]
        rest = rest[2:] or rest
    return workspace, namespace, devops, rest


def _scope(group: str, resource: str, place: _Place) -> Scope:
    if (group, resource) in GLOBAL_RESOURCES:
        return Scope.GLOBAL
    if place.devops:
        return Scope.DEVOPS
    if place.namespace:
        return Scope.NAMESPACE
    return Scope.WORKSPACE if place.workspace else Scope.CLUSTER


def _nameless(verb: str, asked: _Query) -> str:
    if verb == "delete":
        return "deletecollection"
    return "watch" if verb == "watch" or asked.watches() else "list"


class _Query:
    """The parameters that bear on a decision."""

    def __init__(self, raw: str) -> None:
        try:
            pairs = parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=200) if raw else []
        except ValueError:
            raise Malformed("query", "the query is not UTF-8, or has more than 200 parameters") from None
        self._pairs = pairs

    def watches(self) -> bool:
        """As Kubernetes reads a boolean: present and neither `false` nor `0`."""
        values = [value for key, value in self._pairs if key == "watch"]
        if len(values) > 1:
            raise Malformed("query-watch", "the parameter watch is given more than once")
        return bool(values) and values[0].lower() not in ("false", "0")

    def name(self) -> str:
        """The one name that the field selector asks for. Selectors narrow decisions only under `/api` and `/apis`,
        where every server obeys them.
        """
        terms = self._single("fieldSelector").split(",")
        names = {t.removeprefix(NAME_SELECTOR).removeprefix("=") for t in terms if t.startswith(NAME_SELECTOR)}
        return names.pop() if len(names) == 1 else ""

    def workspace(self) -> str:
        """What follows the workspace's label at the beginning of the label selector, as it stands."""
        labels = self._single("labelSelector")
        return labels.removeprefix(WORKSPACE_SELECTOR) if labels.startswith(WORKSPACE_SELECTOR) else ""

    def _single(self, key: str) -> str:
        """The value of a parameter that is given once; a repeated one narrows nothing, as servers differ on it."""
        values = [value for found, value in self._pairs if found == key]
        return values[0] if len(values) == 1 else ""
