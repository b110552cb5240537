"""Which headers go on, and which end at the gateway: hop-by-hop ones, and all that would claim who is calling."""

from __future__ import annotations

from collections.abc import Iterable

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""RFC 9110, 7.6.1, and what old proxies send."""
CLAIMS = frozenset(
    {
        "authorization",
        "expect",
        "forwarded",
        "host",
        "traceparent",
        "x-client-ip",
        "x-http-method",
        "x-http-method-override",
        "x-kubesphere-authorization",
        "x-kubesphere-rawquery",
        "x-method-override",
        "x-real-ip",
    }
)
CLAIM_PREFIXES = ("impersonate-", "orrery-", "x-forwarded-", "x-remote-")
"""`X-Remote-*` names the caller where a Kubernetes API server trusts a front proxy."""
WEBSOCKET_PREFIX = "sec-websocket-"
PRIVATE_ANSWERS = ("orrery-",)

Headers = list[tuple[str, str]]


def _hops(headers: Iterable[tuple[str, str]]) -> frozenset[str]:
    named = (value for name, value in headers if name.lower() == "connection")
    return HOP_BY_HOP | {token.strip().lower() for value in named for token in value.split(",")}


def asked_on(headers: Iterable[tuple[str, str]]) -> Headers:
    """A request's headers as they go to a service; the signed identity is added by who sends them."""
    found = list(headers)
    hops = _hops(found)
    return [(name, value) for name, value in found if not _ends_here(name.lower(), hops)]


def _ends_here(name: str, hops: frozenset[str]) -> bool:
    name = name.replace("_", "-")
    return name in hops or name in CLAIMS or name.startswith((*CLAIM_PREFIXES, WEBSOCKET_PREFIX))


def answered_on(headers: Iterable[tuple[str, str]]) -> Headers:
    """An answer's headers as they go to the client."""
    found = list(headers)
    hops = _hops(found)
    return [
        (name, value)
        for name, value in found
        if name.lower() not in hops and name.lower() != "server" and not name.lower().startswith(PRIVATE_ANSWERS)
    ]
