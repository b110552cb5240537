"""Where a request comes from: the socket's address, or what a declared proxy says it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

Networks = Sequence[IPv4Network | IPv6Network]
NAMED = ("x-client-ip", "X-Real-IP")
CHAIN = "X-Forwarded-For"


def address_of(remote: str, headers: Mapping[str, str], proxies: Networks) -> str:
    """The client's address; `::1` reads `127.0.0.1`. Headers count only from a proxy that the operator has declared,
    and of a chain the last address that is none.
    """
    remote = _plain(remote)
    if not _within(remote, proxies):
        return remote
    for name in NAMED:
        found = _plain(headers.get(name, ""))
        if found:
            return found
    chain = [_plain(part) for part in headers.get(CHAIN, "").split(",")]
    for hop in reversed([hop for hop in chain if hop]):
        if not _within(hop, proxies):
            return hop
    return remote


def _plain(text: str) -> str:
    """The address in its shortest form; empty for what is none."""
    try:
        found = ip_address(text.strip())
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        if found.is_loopback:
            return "127.0.0.1"
    return str(found)


def _within(address: str, networks: Networks) -> bool:
    if not address or not networks:
        return False
    found = ip_address(address)
    return any(found in network for network in networks if network.version == found.version)
