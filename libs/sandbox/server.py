"""The sandbox as a whole: objects, world and API server on one loopback listener."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from libs.sandbox import access, custom
from libs.sandbox.api.front import Front
from libs.sandbox.builtin import RESOURCES
from libs.sandbox.hooks import World
from libs.sandbox.objects import Objects, opened
from libs.sandbox.resource import Catalogue
from libs.sandbox.running import running
from libs.sandbox.world import whole
from libs.shared.errors import Broken
from libs.shared.http import tls
from libs.shared.values import Clock, Ids, SystemClock

PRIVATE = 0o700
LEAVE = 0.2
"""Seconds that requests have to end when the sandbox closes; watches never would."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox that is open."""

    url: str
    token: str = field(repr=False)
    kubeconfig: Path
    ca: str = field(repr=False)
    """The certificate, in PEM, that clients are to trust."""
    objects: Objects = field(repr=False)


@asynccontextmanager
async def open_sandbox(
    folder: Path, *, clock: Clock, ids: Ids, world: World | None = None, demo: bool = False
) -> AsyncIterator[Sandbox]:
    """The sandbox kept in this data folder: `<folder>/sandbox.db`, `<folder>/sandbox` for token, kubeconfig, keys.
    `demo` says whether a new one gets the demo's workloads; the whole world moves in it where no other is given.

    Raises `Broken` when a file can't be used or no port can be had.
    """
    own = folder / "sandbox"
    own.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    held = access.token(own)
    shown = tls.certificate(own / "tls", (), SystemClock())  # clients look at the real time
    async with AsyncExitStack() as stack:
        objects = await stack.enter_async_context(opened(folder / "sandbox.db", Catalogue(RESOURCES), clock, ids))
        hooks = world(objects) if world else whole(objects, demo=demo)
        custom.install(objects)
        if hooks.prepare is not None:
            hooks.prepare()
        await objects.saved()
        front = Front(objects, hooks, held)
        url = await stack.enter_async_context(_listening(front, tls.context(shown)))
        await stack.enter_async_context(running(hooks.controllers, clock))
        ca = access.authority(shown)
        yield Sandbox(url, held.reveal(), access.kubeconfig(own, url, held, ca), ca, objects)


@asynccontextmanager
async def _listening(front: Front, secured: ssl.SSLContext) -> AsyncIterator[str]:
    """Serve on a free port of the loopback, by TLS: clients such as kubectl and Helm send no token without. Gives the
    address.
    """
    server = web.Server(front, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=LEAVE)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=secured)
        try:
            await site.start()
        except OSError as error:
            raise Broken("sandbox-port", f"the sandbox finds no free port on 127.0.0.1: {error.strerror}") from error
        host, port = runner.addresses[0][:2]
        yield f"https://{host}:{port}"
    finally:
        await runner.cleanup()
