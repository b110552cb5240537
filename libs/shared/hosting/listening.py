"""Serving an application at an endpoint: a socket that only this user may use, or a port; drained at the end."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from libs.shared.config import Endpoint
from libs.shared.errors import Broken
from libs.shared.hosting.folder import free_socket

BACKLOG = 1024
SLOWEST_READ = 75.0
"""Seconds that an idle connection is kept."""


@asynccontextmanager
async def door(
    runner: web.AppRunner, endpoint: Endpoint, name: str, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Endpoint]:
    """Accept connections until the block ends; gives the endpoint with the port that the system chose.

    Raises `Broken` naming the setting `name` when the place is taken or may not be used.
    """
    try:
        bound = _bound(endpoint)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Broken("listen", f"{name}: can't listen on {endpoint}: {reason}; give another place") from error
    site = web.SockSite(runner, bound, ssl_context=tls, backlog=BACKLOG)
    try:
        await site.start()
        yield endpoint if endpoint.socket is not None else Endpoint(endpoint.host, bound.getsockname()[1])
    finally:
        await site.stop()
        bound.close()
        if endpoint.socket is not None:
            endpoint.socket.unlink(missing_ok=True)


@asynccontextmanager
async def runner(app: web.Application, seconds: float) -> AsyncIterator[web.AppRunner]:
    """The application, ready to be served; at the end, requests that run have so many seconds to finish."""
    made = web.AppRunner(
        app, handle_signals=False, access_log=None, shutdown_timeout=seconds, keepalive_timeout=SLOWEST_READ
    )
    await made.setup()
    try:
        yield made
    finally:
        await made.cleanup()


def _bound(endpoint: Endpoint) -> socket.socket:
    if endpoint.socket is None:
        family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
        return socket.create_server((endpoint.host, endpoint.port), family=family, backlog=BACKLOG)
    free_socket(endpoint.socket)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(endpoint.socket))
    endpoint.socket.chmod(0o600)
    return made
