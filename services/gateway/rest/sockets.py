"""WebSockets through to a service and back, message by message; any other upgrade is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType, web

from libs.shared.errors import Unsupported
from services.gateway.clients.services import LONGEST_LINE, Going
from services.gateway.domain.headers import asked_on
from services.gateway.rest.admission import identity, traced
from services.gateway.rest.streaming import registered, until
from services.gateway.rest.visit import Visit

SWITCHED = 101
BEARING = "base64url.bearer.authorization.k8s.io."
POLICY = 1008
"""Close code for a socket that the caller may no longer have (RFC 6455, 7.4.1)."""
ENDED = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})

Socket = web.WebSocketResponse | ClientWebSocketResponse


def is_upgrade(request: web.Request) -> bool:
    """Whether the client asks for another protocol on this connection."""
    tokens = request.headers.get("Connection", "").lower().split(",")
    return "upgrade" in {token.strip() for token in tokens} and bool(request.headers.get("Upgrade"))


def protocols_of(request: web.Request) -> tuple[str, ...]:
    """The subprotocols that a WebSocket offers, but for one that would say who is calling (as Kubernetes lets browsers
    do it). Raises `Unsupported` for an upgrade to anything else.
    """
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise Unsupported("upgrade", "only upgrades to websocket are passed on")
    offered = (p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(","))
    return tuple(p for p in offered if p and not p.startswith(BEARING))


async def pass_socket(asked: Visit, known: Mapping[str, Any]) -> web.StreamResponse:
    """Bridge a WebSocket to its service. Raises `Unsupported` for another protocol, or the service's own refusal."""
    protocols = protocols_of(asked.request)
    going = Going(
        service=asked.route.service,
        method=asked.request.method,
        target=asked.target,
        headers=[*asked_on(asked.request.headers.items()), *traced()],
        identity=identity(asked, known),
        body=None,
        seconds=None,
    )
    return await bridge(asked, known, asked.parts.behind.services.socket(going, protocols))


async def bridge(
    asked: Visit, known: Mapping[str, Any], opened: AbstractAsyncContextManager[ClientWebSocketResponse]
) -> web.StreamResponse:
    """Accept the client's socket once the other side has, and carry messages until one of them closes, or it is cut."""
    request = asked.request
    async with registered(asked, known) as cut, opened as other:
        client = web.WebSocketResponse(protocols=(other.protocol,) if other.protocol else (), max_msg_size=LONGEST_LINE)
        asked.response = client
        await client.prepare(request)
        asked.record(SWITCHED)
        await until(_bridged(client, other), cut, request)
        await client.close(code=POLICY if cut.done() else 1000)
    return client


async def _bridged(client: web.WebSocketResponse, service: ClientWebSocketResponse) -> None:
    """Until either side closes; the other is then closed with it."""
    ways = [asyncio.ensure_future(_carried(client, service)), asyncio.ensure_future(_carried(service, client))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await service.close()


async def _carried(source: Socket, sink: Socket) -> None:
    while True:
        message = await source.receive()
        if message.type is WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await sink.send_bytes(message.data)
        elif message.type in ENDED:
            return
