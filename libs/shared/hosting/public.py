"""The doors for clients, ORRERY_LISTEN and (TLS) ORRERY_TLS_LISTEN: opened when everything behind them is ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from libs.shared.config import Suite
from libs.shared.errors import Fault
from libs.shared.hosting.listening import door, runner
from libs.shared.hosting.opening import Opened
from libs.shared.hosting.shared import Shared
from libs.shared.http import tls

SECONDS_TO_FINISH = 1.5
"""How long clients' requests may go on once the suite is ending."""
SECONDS_TO_BE_READY = 10.0
"""After which the doors open all the same: what is not ready is refused, the rest works."""
BETWEEN_LOOKS = 0.01
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  # a certificate names hosts, and these are none


@dataclass(frozen=True, slots=True)
class Doors:
    """Where clients reach the suite; nowhere when no service here faces them."""

    addresses: tuple[str, ...] = ()
    authority: str = ""
    """File of the certificate authority that clients may trust, when it was made here."""


@asynccontextmanager
async def public_doors(services: Sequence[Opened], shared: Shared) -> AsyncIterator[Doors]:
    """Let clients in while the block runs."""
    facing = [(stand.service.public, stand.parts) for stand in services if stand.service.public is not None]
    if not facing:
        yield Doors()
        return
    ((public, parts),) = facing
    await _all_ready(services, shared)
    async with runner(public(parts), SECONDS_TO_FINISH) as made, _opened(made, shared) as doors:
        yield doors


@asynccontextmanager
async def _opened(made: web.AppRunner, shared: Shared) -> AsyncIterator[Doors]:
    """Both doors, or the plain one where ORRERY_TLS_LISTEN is off."""
    suite = shared.effective.suite
    async with door(made, suite.listen, "ORRERY_LISTEN") as plain:
        addresses = (str(plain) if plain.socket else f"http://{plain}",)
        if suite.tls_listen is None:
            yield Doors(addresses)
            return
        shown = _certificate(suite, shared)
        async with door(made, suite.tls_listen, "ORRERY_TLS_LISTEN", tls.context(shown)) as secure:
            yield Doors((*addresses, f"https://{secure}"), str(shown.ca or ""))


def _certificate(suite: Suite, shared: Shared) -> tls.Certificate:
    """The operator's, or our own for the hosts that we listen on."""
    if suite.tls_cert is not None and suite.tls_key is not None:
        return tls.Certificate(suite.tls_cert, suite.tls_key, None)
    hosts = [suite.tls_listen.host] if suite.tls_listen and suite.tls_listen.host not in EVERYWHERE else []
    return tls.certificate(shared.folder.within("tls"), hosts, shared.clock)


async def _all_ready(services: Sequence[Opened], shared: Shared) -> None:
    """Return when every check of every service passes, or after so many seconds."""
    clock = shared.clock
    until = clock.monotonic() + SECONDS_TO_BE_READY
    waiting = [(stand, name, check) for stand in services for name, check in stand.checks().items()]
    while waiting:
        late = clock.monotonic() > until
        left = []
        for stand, name, check in waiting:
            try:
                await check()
            except Fault as fault:
                left.append((stand, name, check))
                if late:
                    stand.host.telemetry.log.warning("not ready", waits_for=name, reason=fault.text)
        if late:
            return
        waiting = left
        if waiting:
            await asyncio.sleep(BETWEEN_LOOKS)
