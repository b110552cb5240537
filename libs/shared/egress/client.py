"""HTTP and plain connections to where a user says, bounded in time, size and hops."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from libs.shared.egress import dial
from libs.shared.egress.allow import Allow
from libs.shared.egress.dial import Pinned, Resolve, Vetted
from libs.shared.egress.target import BAD_PORTS, Target
from libs.shared.errors import Broken, Busy, Denied, Invalid

SECONDS: Final = 10.0
SECONDS_TO_CONNECT: Final = 5.0
LARGEST: Final = 1 << 20
MOST_HOPS: Final = 5
CHUNK: Final = 16 << 10
METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect", "keep-alive"}
)
"""Headers that say how a request is sent, which a caller has no say in."""
AGENT: Final = "orrery"
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
KEEPS_METHOD: Final = frozenset({307, 308})
TRAVELS: Final = frozenset({"accept", "accept-language", "content-type", "user-agent"})
"""Headers that go on to another origin: any other may be a credential."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `seconds` and `largest` bound the whole of it, all hops and the body, the latter as unpacked."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    seconds: float = SECONDS
    largest: int = LARGEST
    hops: int = MOST_HOPS
    tls: ssl.SSLContext | None = None
    """None trusts what the machine trusts."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The last answer of the chain. `url` is where it came from."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    url: str


class Egress:
    """Dials only what is public or allowed. It keeps nothing: no pool, no cookies, no proxy of the environment."""

    def __init__(self, allow: Allow, resolve: Resolve = dial.system_resolve) -> None:
        self._allow, self._resolve = allow, resolve

    async def vetted(self, host: str, port: int) -> Vetted:
        """The addresses that may be dialled for this host, for clients of other protocols: they dial one of these, and
        never the name. Raises `Denied`, `Missing`, `Busy`.
        """
        return await dial.vet(self._allow, self._resolve, host.lower().removesuffix("."), port)

    async def connect(
        self, host: str, port: int, *, seconds: float = SECONDS_TO_CONNECT, tls: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection for SMTP, LDAP and the like; with `tls`, verified against the host's name."""
        return await dial.connect(await self.vetted(host, port), seconds=seconds, tls=tls)

    async def fetch(self, ask: Ask) -> Reply:
        """Ask, following redirects, each vetted as the first was.

        Raises `Invalid` for a URL that isn't accepted, `Denied` for a place that isn't, `Missing` for an unknown host,
        `Busy` when there is no answer in time, `Broken` when it is too large or no HTTP.
        """
        if ask.method not in METHODS or any(name.lower() in OURS for name in ask.headers):
            raise Invalid("egress-request", "the method or a header of the request is none that may be sent")
        try:
            async with asyncio.timeout(ask.seconds):
                return await self._followed(ask, Target.parsed(ask.url))
        except TimeoutError:
            raise Busy("egress-slow", f"no whole answer came within {ask.seconds:g} s") from None

    async def _followed(self, ask: Ask, target: Target) -> Reply:
        for _ in range(ask.hops + 1):
            reply = await self._asked(ask, target)
            location = reply.headers.get("Location", "")
            if reply.status not in REDIRECTS or not location:
                return reply
            onward = _onward(target, location)
            ask = _carried(ask, reply.status, target, onward)
            target = onward
        raise Broken("egress-hops", f"more than {ask.hops} redirects")

    async def _asked(self, ask: Ask, target: Target) -> Reply:
        if target.port in BAD_PORTS and not self._allow.names_port(target.host, target.port):
            raise Denied("egress-port", f"port {target.port} is another protocol's, not HTTP's")
        pinned = Pinned(await self.vetted(target.host, target.port))
        connector = aiohttp.TCPConnector(
            resolver=pinned, use_dns_cache=False, force_close=True, socket_factory=pinned.socket
        )
        try:
            async with (
                _session(connector) as session,
                session.request(
                    ask.method,
                    target.url,
                    headers=ask.headers,
                    data=ask.body,
                    allow_redirects=False,
                    ssl=ask.tls if ask.tls is not None else True,
                ) as answer,
            ):
                body = await _bounded(answer, ask.largest)
                return Reply(answer.status, answer.headers, body, str(target.url))
        except aiohttp.ClientSSLError as error:
            raise Broken("egress-tls", f"the certificate of {target.host} is not trusted") from error
        except (aiohttp.ClientConnectionError, ConnectionError) as error:
            raise Busy("egress-unreachable", f"{target.host}:{target.port} does not answer") from error
        except aiohttp.ClientError as error:
            raise Broken("egress-nonsense", f"{target.host}:{target.port} answers what is no HTTP") from error
        except ValueError as error:
            raise Invalid("egress-request", "a method or header holds what HTTP doesn't take") from error


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        headers={"User-Agent": AGENT},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=SECONDS_TO_CONNECT),
    )


async def _bounded(answer: aiohttp.ClientResponse, largest: int) -> bytes:
    """The body; raises `Broken` as soon as it is known to be larger."""
    told = 0 if answer.method == "HEAD" else answer.content_length or 0
    too_large = Broken("egress-too-large", f"the answer is larger than {largest} bytes")
    if told > largest:
        raise too_large
    parts, size = [], 0
    async for part in answer.content.iter_chunked(CHUNK):
        size += len(part)
        if size > largest:
            raise too_large
        parts.append(part)
    return b"".join(parts)


def _onward(target: Target, location: str) -> Target:
    """Where a redirect leads, read as any URL. Raises `Broken` for one that can't be followed."""
    try:
        onward = Target.parsed(location, target.url)
    except Invalid:
        raise Broken("egress-redirect", f"{target.host} redirects to what can't be followed") from None
    if target.url.scheme == "https" and onward.url.scheme != "https":
        raise Broken("egress-downgrade", f"{target.host} redirects from https to http")
    return onward


def _carried(ask: Ask, status: int, target: Target, onward: Target) -> Ask:
    """What goes on (RFC 9110, 15.4): to another origin no header that may be a credential, and never a body."""
    keeps = status in KEEPS_METHOD or ask.method in ("GET", "HEAD")
    body = ask.body if keeps else None
    headers = CIMultiDict(ask.headers)
    if target.origin != onward.origin:
        if body:
            raise Broken("egress-redirect", f"{target.host} redirects a body to another host")
        headers = CIMultiDict((name, value) for name, value in headers.items() if name.lower() in TRAVELS)
    if not body:
        headers.popall("Content-Type", None)
    return replace(ask, method=ask.method if keeps else "GET", headers=headers, body=body)
