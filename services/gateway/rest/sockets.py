"""WebSockets through to a service and back, message by message; any other upgrade is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType, web

from libs.shared.errors import Unsupported
from services.gateway.clients.services import LONGEST_LINE, Going
from services.gateway.domain.headers import asked_on
from services.gateway.rest.admission import identity, traced
from services.gateway.rest.streaming import registered, until
from services.gateway.rest.visit import Visit

SWITCHED = 101
POLICY = 1008
"""Close code for a socket that the caller may no longer have (RFC 6455, 7.4.1)."""
ENDED = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})

Socket = web.WebSocketResponse | ClientWebSocketResponse


def is_upgrade(request: web.Request) -> bool:
    """Whether the client asks for another protocol on this connection."""
    tokens = request.headers.get("Connection", "").lower().split(",")
    return "upgrade" in {token.strip() for token in tokens} and bool(request.headers.get("Upgrade"))


async def pass_socket(asked: Visit, known: Mapping[str, Any]) -> web.StreamResponse:
    """Bridge a WebSocket. Raises `Unsupported` for another protocol, or the service's own refusal."""
    request = asked.request
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise Unsupported("upgrade", "only upgrades to websocket are passed on")
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    protocols = tuple(p.strip() for p in offered.split(",") if p.strip())
    going = Going(
        service=asked.route.service,
        method=request.method,
        target=asked.target,
        headers=[*asked_on(request.headers.items()), *traced()],
        identity=identity(asked, known),
        body=None,
        seconds=None,
    )
    async with registered(asked, known) as cut, asked.parts.behind.services.socket(going, protocols) as service:
        client = web.WebSocketResponse(
            protocols=(service.protocol,) if service.protocol else (), max_msg_size=LONGEST_LINE
        )
        asked.response = client
        await client.prepare(request)
        asked.record(SWITCHED)
        await until(_bridged(client, service), cut, request)
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
