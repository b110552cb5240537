"""Which addresses are public, by IANA's special-purpose registries (RFC 6890 and after), and which nobody may dial."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final

Ip = IPv4Address | IPv6Address

_NOT_PUBLIC_4: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this network (RFC 791)
            "10.0.0.0/8",  # private (RFC 1918)
            "100.64.0.0/10",  # carriers' NAT (RFC 6598)
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local, and most clouds' metadata
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
_PUBLIC_6: Final = ip_network("2000::/3")
"""Global unicast: all that IANA has given out."""
_NOT_PUBLIC_6: Final = tuple(
    map(
        ip_network,
        (
            "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
            "2001:db8::/32",  # documentation
            "3fff::/20",  # documentation
        ),
    )
)
_EMBEDDING: Final = tuple(
    map(
        ip_network,
        (
            "::/96",  # IPv4-compatible; ::1 is in it, and named by itself below
            "::ffff:0:0/96",  # IPv4-mapped
            "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
            "64:ff9b::/96",  # NAT64 (RFC 6052)
            "64:ff9b:1::/48",  # NAT64, local (RFC 8215)
            "2001::/32",  # Teredo
            "2002::/16",  # 6to4
        ),
    )
)
"""IPv6 addresses that hold an IPv4 address: who dials one reaches what is vetted nowhere."""
_NEVER: Final = tuple(map(ip_network, ("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "ff00::/8")))
_ISATAP: Final = 0x00005EFE
_ISATAP_MASK: Final = 0xFDFFFFFF
"""Without the bit that says whether the address inside is unique."""
_LOOPBACK_6: Final = IPv6Address("::1")
METADATA: Final = frozenset(
    map(
        IPv4Address,
        (
            "168.63.129.16",  # Azure: public by its number
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "192.0.0.192",
        ),
    )
) | {IPv6Address("fd00:ec2::254")}
"""Where clouds hand credentials to whoever asks from inside."""


def is_public(ip: Ip) -> bool:
    """Whether everybody may be let dial it."""
    if ip in METADATA or never(ip):
        return False
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _NOT_PUBLIC_4)
    return ip in _PUBLIC_6 and not any(ip in network for network in _NOT_PUBLIC_6)


def never(ip: Ip) -> bool:
    """Whether it is refused whatever is allowed: unspecified, multicast, reserved, with a zone, IPv4 in disguise."""
    if isinstance(ip, IPv6Address) and (ip.scope_id or _disguised(ip)):
        return True
    return any(ip in network for network in _NEVER)


def _disguised(ip: IPv6Address) -> bool:
    if ip == _LOOPBACK_6:
        return False
    # ISATAP (RFC 5214) holds the IPv4 address behind 0:5efe in any network
    return any(ip in network for network in _EMBEDDING) or (int(ip) >> 32) & _ISATAP_MASK == _ISATAP
