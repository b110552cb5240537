"""What an operator admits beyond public addresses: ORRERY_EGRESS_ALLOW, as networks, hosts and host:port."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from libs.shared.egress.networks import METADATA, Ip, is_public, never
from libs.shared.errors import Invalid

HIGHEST_PORT: Final = 65535
_HOST: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_ENTRY: Final = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^\[\]:/]+)(:(?P<port>\d{1,5}))?")
_ACCEPTED: Final = "a network (10.0.0.0/8), an address, a host, or host:port"


@dataclass(frozen=True, slots=True)
class Admitted:
    """One entry: a network or a host; `port` None is any."""

    network: IPv4Network | IPv6Network | None = None
    host: str = ""
    port: int | None = None

    def takes(self, host: str, ip: Ip, port: int) -> bool:
        """Whether it admits this address of this host."""
        if self.port not in (None, port):
            return False
        return ip in self.network if self.network else host == self.host

    def names(self, host: str, ip: Ip) -> bool:
        """Whether it names just this: a whole network never admits a metadata address in it."""
        return self.network.num_addresses == 1 and ip in self.network if self.network else host == self.host


@dataclass(frozen=True, slots=True)
class Allow:
    """All entries; none admits public addresses alone."""

    entries: tuple[Admitted, ...] = ()

    @classmethod
    def parsed(cls, texts: Iterable[str]) -> Allow:
        """Read the entries; raises `Invalid` naming the wrong one and what is accepted."""
        return cls(tuple(_entry(text.strip().lower()) for text in texts if text.strip()))

    def admits(self, host: str, ip: Ip, port: int) -> bool:
        """Whether this address, to which the host has resolved, may be dialled."""
        if never(ip):
            return False
        found = [entry for entry in self.entries if entry.takes(host, ip, port)]
        if ip in METADATA:
            return any(entry.names(host, ip) for entry in found)
        return bool(found) or is_public(ip)

    def names_port(self, host: str, port: int) -> bool:
        """Whether an operator has named this very port of the host or address."""
        return any(entry.port == port and _same(entry, host) for entry in self.entries)


def _same(entry: Admitted, host: str) -> bool:
    if entry.network is None:
        return entry.host == host
    try:
        return ip_address(host) in entry.network
    except ValueError:
        return False


def _entry(text: str) -> Admitted:
    try:
        return Admitted(network=ip_network(text))
    except ValueError:
        pass  # no bare network or address: a host, or something with a port
    match = _ENTRY.fullmatch(text)
    if match is None or not (match["port"] is None or 1 <= int(match["port"]) <= HIGHEST_PORT):
        raise _wrong(text)
    port = int(match["port"]) if match["port"] else None
    try:
        return Admitted(network=ip_network(match["host"].strip("[]")), port=port)
    except ValueError:
        host = match["host"].removesuffix(".")
    if not _HOST.fullmatch(host) or host.replace(".", "").isdigit():
        raise _wrong(text)
    return Admitted(host=host, port=port)


def _wrong(text: str) -> Invalid:
    return Invalid("egress-allow", f"ORRERY_EGRESS_ALLOW: {text[:80]!r} should be {_ACCEPTED}")
