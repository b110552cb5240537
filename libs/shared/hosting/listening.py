"""Serving an application at an endpoint: a socket that only this user may use, or a port; drained at the end."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from libs.shared.config import Endpoint
from libs.shared.errors import Broken
from libs.shared.hosting.connection import Cut
from libs.shared.hosting.crowd import Crowd, Place
from libs.shared.hosting.folder import free_socket
from libs.shared.hosting.refusing import Runner
from libs.shared.http.limits import LIMITS, Limits

BACKLOG = 1024
BREATH = 0.1
"""Seconds without accepting once the system gave no connection: it is out of files, most often."""

FAREWELL = 0.25
"""Seconds that a connection which is being closed may still take, at the end, for its last bytes."""


def untold(_: Cut) -> None:
    """Nobody counts what is cut."""


@asynccontextmanager
async def door(
    crowd: Crowd, endpoint: Endpoint, name: str, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Endpoint]:
    """Accept connections until the block ends; gives the endpoint with the port that the system chose.

    Raises `Broken` naming the setting `name` when the place is taken or may not be used.
    """
    try:
        bound = _bound(endpoint)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Broken("listen", f"{name}: can't listen on {endpoint}: {reason}; give another place") from error
    accepting = asyncio.create_task(_accept(bound, crowd, tls), name=f"accept {name}")
    try:
        yield endpoint if endpoint.socket is not None else Endpoint(endpoint.host, bound.getsockname()[1])
    finally:
        await _ended(accepting)
        bound.close()
        if endpoint.socket is not None:
            endpoint.socket.unlink(missing_ok=True)


@asynccontextmanager
async def served(
    app: web.Application, seconds: float, *, limits: Limits | None = None, told: Callable[[Cut], None] = untold
) -> AsyncIterator[Crowd]:
    """The application, ready for its doors; at the end, requests that run have so many seconds to finish. The limits
    are the application's own unless given.
    """
    limits = limits or app.get(LIMITS) or Limits()
    made = Runner(app, handle_signals=False, access_log=None, shutdown_timeout=seconds, keepalive_timeout=limits.idle)
    await made.setup()
    assert made.server is not None  # noqa: S101  # for the type: set up above
    crowd = Crowd(made.server, limits, told)
    watching = asyncio.create_task(crowd.watch(), name="watch connections")
    try:
        yield crowd
    finally:
        await made.cleanup()
        await crowd.dispersed(FAREWELL)
        await _ended(watching)


async def _accept(bound: socket.socket, crowd: Crowd, tls: ssl.SSLContext | None) -> None:
    """Take in what comes, for ever. Counted here, before the handshake: a server of asyncio's tells of a connection
    when its handshake is done, and of one that never gets there not at all.
    """
    loop, opening = asyncio.get_running_loop(), set[asyncio.Task[None]]()
    try:
        while True:
            try:
                accepted, peer = await loop.sock_accept(bound)
            except OSError:
                await asyncio.sleep(BREATH)
                continue
            place = crowd.enter(peer)
            if place is None:
                accepted.close()
            else:
                task = loop.create_task(_open(accepted, place, crowd, tls))
                opening.add(task)
                task.add_done_callback(opening.discard)
            await asyncio.sleep(0)  # a flood of connections leaves room for those that stand
    finally:
        await _ended(*opening)


async def _open(accepted: socket.socket, place: Place, crowd: Crowd, tls: ssl.SSLContext | None) -> None:
    """Make a connection of what was accepted; one whose handshake fails, or takes too long, is closed."""
    connection, stands = crowd.connection(place), False
    seconds = crowd.limits.handshake if tls is not None else None
    try:
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: connection, accepted, ssl=tls, ssl_handshake_timeout=seconds, ssl_shutdown_timeout=seconds
        )
        stands = True
    except OSError:  # TLS errors and time limits are of this kind
        crowd.told(Cut.HANDSHAKE)
    finally:
        if not stands:  # the socket is its transport's to close, which the loop sees to unless the handshake was done
            connection.abort()
            crowd.forget(connection)
            place.leave()


async def _ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _bound(endpoint: Endpoint) -> socket.socket:
    if endpoint.socket is None:
        family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
        made = socket.create_server((endpoint.host, endpoint.port), family=family, backlog=BACKLOG)
    else:
        free_socket(endpoint.socket)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.bind(str(endpoint.socket))
        endpoint.socket.chmod(0o600)
        made.listen(BACKLOG)
    made.setblocking(False)
    return made
