"""The sandbox's connection where another process hosts it: from the kubeconfig which that has written."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from importlib import import_module
from pathlib import Path
from typing import Any

from libs.shared.errors import Broken, Busy
from libs.shared.kube.connection import BEARER, Connection, Trust
from libs.shared.values import Secret

ABSENT = "the sandbox cluster is not running yet: it runs where the service cluster does"


class Written:
    """A plain kubeconfig file, read again when what it says is refused: port and token change with each start."""

    def __init__(self, path: Path, *, absent: str = ABSENT) -> None:
        self._path, self._absent = path, absent
        self._known: Connection | None = None

    async def current(self) -> Connection:
        """What was read last, or is read now; raises `Busy` while there is no file."""
        if self._known is None:
            self._known = await asyncio.to_thread(self._read)
        return self._known

    async def renewed(self, stale: Connection) -> Connection:
        """What the file says now, unless somebody has read it since."""
        if self._known is None or self._known == stale:
            self._known = await asyncio.to_thread(self._read)
        return self._known

    def _read(self) -> Connection:
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            raise Busy("cluster-absent", self._absent, retry_after=1) from None
        except OSError as error:
            raise Broken("cluster-kubeconfig", f"{self._path} can't be read: {error.strerror}") from error
        return parsed(text, str(self._path))


def parsed(text: str, where: str) -> Connection:
    """A kubeconfig of one cluster and one user with a token; raises `Broken` naming `where`."""
    yaml = import_module("yaml")
    try:
        config = yaml.safe_load(text)
        cluster, user = _chosen(config)
        return Connection(
            server=str(cluster["server"]).rstrip("/"),
            authorization=Secret(f"{BEARER}{user['token']}" if user.get("token") else ""),
            trust=Trust(ca_data=b64decode(cluster.get("certificate-authority-data", "")).decode()),
        )
    except (yaml.YAMLError, KeyError, IndexError, TypeError, AttributeError, ValueError):
        raise Broken("cluster-kubeconfig", f"{where} is no kubeconfig of a sandbox") from None


def _chosen(config: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    contexts = {one["name"]: one["context"] for one in config["contexts"]}
    context = contexts[config["current-context"]]
    clusters = {one["name"]: one["cluster"] for one in config["clusters"]}
    users = {one["name"]: one["user"] for one in config["users"]}
    return clusters[context["cluster"]], users[context["user"]]
