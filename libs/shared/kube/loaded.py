"""Connections by the rules of kubectl and of pods. The one file that knows kubernetes_asyncio, and only its loaders."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from libs.shared.errors import Broken
from libs.shared.kube.connection import Connection, Trust
from libs.shared.values import Clock, Secret

FRESH = 60.0
"""Seconds after which credentials are asked for anew: a pod's token is rotated under it, and a plugin knows itself when
what it gave expires."""
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105  # where a pod finds it
AUTHORITY = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"

Load = Callable[[Any], Awaitable[None]]
"""Fills a Configuration."""


class Loaded:
    """A connection that a loader gives; the loader is kept, since it remembers when its credentials expire."""

    def __init__(self, where: str, loader: Callable[[], Load], clock: Clock) -> None:
        self._where, self._loader, self._clock = where, loader, clock
        self._load: Load | None = None
        self._known: Connection | None = None
        self._until = 0.0
        self._one = asyncio.Lock()

    async def current(self) -> Connection:
        """At most a minute old. Raises `Broken` saying why it can't be had."""
        async with self._one:
            if self._known is None or self._clock.monotonic() >= self._until:
                self._known = await self._loaded()
                self._until = self._clock.monotonic() + FRESH
            return self._known

    async def renewed(self, stale: Connection) -> Connection:
        """By a loader that remembers nothing."""
        async with self._one:
            if self._known is None or self._known == stale:
                self._load = None
                self._known = await self._loaded()
                self._until = self._clock.monotonic() + FRESH
            return self._known

    async def _loaded(self) -> Connection:
        configuration = import_module("kubernetes_asyncio.client").Configuration
        unreadable = import_module("kubernetes_asyncio.config").ConfigException
        try:
            if self._load is None:
                self._load = self._loader()
            filled = configuration()
            await self._load(filled)
        except (unreadable, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Broken("cluster-config", f"ORRERY_CLUSTER: {self._where} can't be used: {error}") from error
        return _connection(filled)


def kubeconfig(path: str, clock: Clock) -> Loaded:
    """`kubeconfig:PATH`, or by the default rules (KUBECONFIG, ~/.kube/config) when the path is empty."""

    def loader() -> Load:
        config = import_module("kubernetes_asyncio.config.kube_config")
        places = str(Path(path).expanduser()) if path else config.KUBE_CONFIG_DEFAULT_LOCATION
        merged = config.KubeConfigMerger(places).config
        if merged is None:
            raise Broken("cluster-config", f"ORRERY_CLUSTER: kubeconfig:{path} names no file: none is at {places}")
        load: Load = config.KubeConfigLoader(config_dict=merged, config_base_path=None).load_and_set
        return load

    return Loaded(f"kubeconfig:{path}", loader, clock)


def in_cluster(clock: Clock) -> Loaded:
    """As a pod's service account."""

    def loader() -> Load:
        config = import_module("kubernetes_asyncio.config.incluster_config")

        async def load(filled: Any) -> None:
            config.InClusterConfigLoader(TOKEN, AUTHORITY, try_refresh_token=False).load_and_set(filled)

        return load

    return Loaded("in-cluster:", loader, clock)


def _connection(filled: Any) -> Connection:
    return Connection(
        server=str(filled.host).rstrip("/"),
        authorization=Secret((filled.api_key or {}).get("BearerToken", "").strip()),
        trust=Trust(
            ca=_path(filled.ssl_ca_cert),
            certificate=_path(filled.cert_file),
            key=_path(filled.key_file),
            verify=bool(filled.verify_ssl),
            name=getattr(filled, "tls_server_name", None) or "",
        ),
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
