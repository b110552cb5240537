"""Names to vetted addresses, and sockets to nothing but those."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType

from libs.shared.egress.allow import Allow
from libs.shared.errors import Busy, Denied, Missing

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host, as text. Raises `OSError` when it has none."""
MOST_ADDRESSES: Final = 32
SECONDS_TO_RESOLVE: Final = 5.0


async def system_resolve(host: str) -> Sequence[str]:
    """As the machine resolves it. It takes `127.1`, `0x7f000001` and the like for addresses: they come out plain."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True)
class Vetted:
    """A host and port with the addresses that may be dialled for it."""

    host: str
    port: int
    addresses: tuple[str, ...]


async def vet(allow: Allow, resolve: Resolve, host: str, port: int) -> Vetted:
    """Resolve once and vet every address: one that is refused refuses the host.

    Raises `Denied` (which doesn't tell the address: what a name means inside is nobody's business), `Missing` for a
    host that has none, `Busy` when that can't be found out in time.
    """
    try:
        async with asyncio.timeout(SECONDS_TO_RESOLVE):
            found = tuple(dict.fromkeys(await resolve(host)))
    except TimeoutError:
        raise Busy("egress-resolving", f"the name {host} was not resolved in time") from None
    except (OSError, UnicodeError):
        raise Missing("egress-unknown-host", f"the host {host} is not known") from None
    if not found:
        raise Missing("egress-unknown-host", f"the host {host} is not known")
    if len(found) > MOST_ADDRESSES or not all(_admitted(allow, host, text, port) for text in found):
        raise refused(host, port)
    return Vetted(host, port, found)


def refused(host: str, port: int) -> Denied:
    """The refusal of a host."""
    text = f"{host}:{port} may not be reached from here: only public addresses may, and what ORRERY_EGRESS_ALLOW names"
    return Denied("egress-refused", text)


def _admitted(allow: Allow, host: str, text: str, port: int) -> bool:
    try:
        return allow.admits(host, ip_address(text), port)
    except ValueError:
        return False


class Pinned(AbstractResolver):
    """Gives one host's vetted addresses and knows no other; its `socket` is the last look before each dial."""

    def __init__(self, vetted: Vetted) -> None:
        self._vetted = vetted

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The vetted addresses, never another look at the name: it may mean something else by now."""
        del family
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in self._vetted.addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""

    def socket(self, info: AddrInfoType) -> socket.socket:
        """A socket for this address; raises `OSError` for one that was not vetted."""
        family, kind, proto, _, address = info
        if ip_address(address[0]) not in map(ip_address, self._vetted.addresses) or address[1] != self._vetted.port:
            raise OSError("the address was not vetted")
        return socket.socket(family=family, type=kind, proto=proto)


async def connect(
    vetted: Vetted, *, seconds: float, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the first address that answers, TLS verified against the host's name. Raises `Busy`."""
    for address in vetted.addresses:
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.open_connection(
                    address, vetted.port, ssl=tls, server_hostname=vetted.host if tls else None
                )
        except (OSError, TimeoutError):
            continue
    raise Busy("egress-unreachable", f"{vetted.host}:{vetted.port} does not answer")
