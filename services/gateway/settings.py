"""Settings of the gateway: each with its unit and meaning."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import BeforeValidator, Field

from libs.shared.config import Settings


def _network(value: object) -> object:
    """One reason for what is no network, not one for each version of IP."""
    try:
        return ip_network(str(value))
    except ValueError:
        accepted = "should be networks such as 10.0.0.0/8 or fd00::/8, without bits beyond the prefix"
        raise ValueError(f"{accepted}, which {value} is not") from None


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


class GatewaySettings(Settings):
    """Limits and trust of the front door; read from ORRERY_GATEWAY_<NAME>."""

    proxies: tuple[Network, ...] = ()
    """Networks of proxies in front of the gateway: their x-client-ip, X-Real-IP and X-Forwarded-For count."""
    issuer: str = "kubesphere"
    """What access tokens name as their issuer; as accounts has it."""
    client_id: str = "kubesphere"
    """The OAuth client that consoles are told of; as accounts has it."""
    access_seconds: int = Field(default=7200, ge=1)
    """Life of an access token that consoles are told of, in seconds; as accounts has it."""
    idle_seconds: int = Field(default=7200, ge=0)
    """How much longer a refresh token lives, in seconds; as accounts has it."""
    silence: float = Field(default=5, gt=0, le=60)
    """Seconds without a beat after which what a source told is not believed any more."""
    hold: float = Field(default=1, ge=0, le=10)
    """Seconds that the reply to a write waits for the gateway's own index, at most."""
    timeout: float = Field(default=60, gt=0)
    """Seconds for a request that is no stream, upload and answer together; for the upload alone where one is."""
    head_timeout: float = Field(default=10, gt=0)
    """Seconds that a client may take for a TLS handshake, and for the head of a request."""
    idle_timeout: float = Field(default=75, gt=0)
    """Seconds that a connection is kept between two requests."""
    stall_timeout: float = Field(default=60, gt=0)
    """Seconds that a client may take nothing of an answer that waits for it."""
    connections: int = Field(default=10_000, ge=1)
    """Open connections of clients; never more than a quarter of the files that the process may open."""
    connections_per_address: int = Field(default=2_000, ge=0)
    """Of them from one address (IPv6: one /64), but for those in `proxies`; 0 for any number."""
    connect_timeout: float = Field(default=3, gt=0)
    """Seconds to reach a service."""
    skew: float = Field(default=10, ge=0, le=300)
    """Seconds that the clock that issued a token may be ahead of ours."""
    password_life: float = Field(default=60, ge=0, le=3600)
    """Seconds that a password of Basic authentication, once verified, is remembered; 0 for not at all."""
    passwords: int = Field(default=10_000, ge=1)
    """How many verified passwords are remembered at most."""
    tokens: int = Field(default=20_000, ge=1)
    """How many verified tokens are remembered at most."""
    streams: int = Field(default=20_000, ge=1)
    """Open streams (watches, events, WebSockets) in all."""
    streams_per_user: int = Field(default=200, ge=1)
    """Open streams of one user."""
    audit_queue: int = Field(default=20_000, ge=100)
    """Audit records that wait to be told, at most."""
    audit_batch: int = Field(default=500, ge=1, le=5000)
    """Audit records told at once, at most."""
    audit_wait: float = Field(default=2, ge=0, le=30)
    """Seconds that a changing request waits for room in the audit queue before it is refused."""
    audit_window: float = Field(default=10, gt=0)
    """Seconds over which alike requests of nobody are counted as one record."""
