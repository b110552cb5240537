"""Where an API server is and how it is entered: a value; and the source that gives it anew when it has changed."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from libs.shared.errors import Broken
from libs.shared.values import Secret

BEARER = "Bearer "
NOTHING = Secret("")


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose certificate is believed, and what we show. Files in PEM; `ca_data` is PEM text in place of a file."""

    ca: Path | None = None
    ca_data: str = ""
    certificate: Path | None = None
    key: Path | None = None
    verify: bool = True
    name: str = ""
    """What the server's certificate is for, where that isn't its host."""

    def context(self) -> ssl.SSLContext:
        """For sessions; raises `Broken` when a file can't be used."""
        try:
            made = ssl.create_default_context(cafile=str(self.ca) if self.ca else None, cadata=self.ca_data or None)
            if self.certificate is not None:
                made.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise Broken("cluster-trust", f"the cluster's certificates can't be used: {error}") from error
        if not self.verify:
            made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        return made


@dataclass(frozen=True, slots=True)
class Connection:
    """`server` is a URL without a slash at its end, `authorization` the whole header value (`Bearer …`, `Basic …`)."""

    server: str
    authorization: Secret = NOTHING
    trust: Trust = Trust()
    headers: Mapping[str, str] = field(default_factory=dict)

    def kubeconfig(self, user: str = "", groups: tuple[str, ...] = ()) -> dict[str, Any]:
        """What a child process such as Helm is given; it holds the credentials. Blocks: it reads files.

        Raises `Broken` for credentials that a kubeconfig can't hold, and for files that can't be read.
        """
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": self._cluster()}],
            "users": [{"name": "user", "user": self._user(user, groups)}],
            "contexts": [{"name": "context", "context": {"cluster": "cluster", "user": "user"}}],
            "current-context": "context",
        }

    def _cluster(self) -> dict[str, Any]:
        trust = self.trust
        ca = _base64(trust.ca) if trust.ca else b64encode(trust.ca_data.encode()).decode()
        said = {
            "server": self.server,
            "certificate-authority-data": ca if trust.verify else "",
            "insecure-skip-tls-verify": not trust.verify,
            "tls-server-name": trust.name,
        }
        return {key: value for key, value in said.items() if value}

    def _user(self, user: str, groups: tuple[str, ...]) -> dict[str, Any]:
        held = self.authorization.reveal()
        if held and not held.startswith(BEARER):
            raise Broken("cluster-credentials", "the cluster is entered by a password, which is not handed on")
        said = {
            "token": held.removeprefix(BEARER),
            "client-certificate-data": _base64(self.trust.certificate),
            "client-key-data": _base64(self.trust.key),
            "as": user,
            "as-groups": list(groups),
        }
        return {key: value for key, value in said.items() if value}


class Source(Protocol):
    """Gives the connection; whoever finds it refused asks for a newer one."""

    async def current(self) -> Connection:
        """The connection as far as it is known; raises `Busy` when there is none yet."""
        ...

    async def renewed(self, stale: Connection) -> Connection:
        """Read anew: the same value when nothing has changed. Raises `Busy`."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """One that never changes."""

    connection: Connection

    async def current(self) -> Connection:
        """It."""
        return self.connection

    async def renewed(self, stale: Connection) -> Connection:
        """It, once more."""
        del stale
        return self.connection


async def child_kubeconfig(connection: Connection, user: str, groups: tuple[str, ...]) -> dict[str, Any]:
    """`Connection.kubeconfig`, off the loop."""
    return await asyncio.to_thread(connection.kubeconfig, user, groups)


def _base64(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise Broken("cluster-trust", f"the cluster's certificates can't be read: {error}") from error
