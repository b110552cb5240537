"""Where the simulated world joins the API server: controllers, rights, a node's own HTTP, a pod's log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from libs.sandbox.objects import Objects


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a request is, for whoever decides it. `resource` is empty for a path that is no object's."""

    verb: str
    """get list watch create update patch delete deletecollection; or the method in lower case for a bare path."""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


Authorize = Callable[[str, tuple[str, ...], Attributes], bool]
"""Whether this user with these groups may do that; asked for impersonated requests and access reviews."""
Rules = Callable[[str, tuple[str, ...], str], Sequence[Mapping[str, Any]]]
"""The rules of RBAC that hold for this user with these groups in a namespace (empty: those of the whole cluster)."""
Vet = Callable[[str, tuple[str, ...], Attributes, dict[str, Any]], None]
"""Raises `Denied` where this user may not write this object of RBAC, as it would result: nobody hands out more than
he holds.
"""
NodeProxy = Callable[[web.BaseRequest, dict[str, Any], str], Awaitable[web.StreamResponse]]
"""Answers `/api/v1/nodes/<node>/proxy/<path>`; gets the node, and the path without the slash before it."""
PodLog = Callable[[web.BaseRequest, dict[str, Any]], Awaitable[web.StreamResponse]]
"""Answers `/api/v1/namespaces/<ns>/pods/<pod>/log`; gets the pod. The query is the request's."""
Computed = Callable[[str, str], Iterable[dict[str, Any]]]
"""Objects that are kept nowhere, by namespace and name (empty for all): what is worked out when somebody asks."""
Controller = Callable[[], Coroutine[Any, Any, None]]
"""Runs until cancelled; started again when it fails."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the world gives. What is None answers 404, or denies."""

    prepare: Callable[[], None] | None = None
    """Called once before anything is served: seeds what a new cluster has."""
    controllers: tuple[Controller, ...] = ()
    authorize: Authorize | None = None
    rules: Rules | None = None
    vet: Vet | None = None
    node_proxy: NodeProxy | None = None
    pod_log: PodLog | None = None
    computed: Mapping[str, Computed] = field(default_factory=dict)
    """By id of a resource of the catalogue that can only be read."""


World = Callable[[Objects], Hooks]
"""Makes the hooks around the objects; clock and ids are the objects' own."""
