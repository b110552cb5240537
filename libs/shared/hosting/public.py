"""The doors for clients, ORRERY_LISTEN and (TLS) ORRERY_TLS_LISTEN: opened when everything behind them is ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from libs.shared.config import Suite
from libs.shared.errors import Fault
from libs.shared.hosting.crowd import Crowd
from libs.shared.hosting.files import within_files
from libs.shared.hosting.listening import door, served
from libs.shared.hosting.opening import Opened
from libs.shared.hosting.shared import Shared
from libs.shared.http import tls
from libs.shared.http.limits import LIMITS, Limits
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.metrics import ConnectionMetrics

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
    facing = [(stand.service.public, stand) for stand in services if stand.service.public is not None]
    if not facing:
        yield Doors()
        return
    ((public, stand),) = facing
    app, telemetry = public(stand.parts), stand.host.telemetry
    metrics = ConnectionMetrics(telemetry.registry)
    limits = _limits(app, telemetry)
    await _all_ready(services, shared)
    async with (
        served(app, SECONDS_TO_FINISH, limits=limits, told=metrics.cut) as crowd,
        _opened(crowd, shared) as doors,
    ):
        metrics.open.set_function(lambda: len(crowd))
        yield doors


def _limits(app: web.Application, telemetry: Telemetry) -> Limits:
    """What the application wants, within what the system gives files for."""
    wanted = app.get(LIMITS) or Limits()
    limits = within_files(wanted)
    if limits != wanted:
        telemetry.log.warning(
            "fewer connections than are wanted: raise the limit of open files (ulimit -n)",
            wanted=wanted.connections,
            accepted=limits.connections,
        )
    return limits


@asynccontextmanager
async def _opened(crowd: Crowd, shared: Shared) -> AsyncIterator[Doors]:
    """Both doors, or the plain one where ORRERY_TLS_LISTEN is off."""
    suite = shared.effective.suite
    async with door(crowd, suite.listen, "ORRERY_LISTEN") as plain:
        addresses = (str(plain) if plain.socket else f"http://{plain}",)
        if suite.tls_listen is None:
            yield Doors(addresses)
            return
        shown = _certificate(suite, shared)
        async with door(crowd, suite.tls_listen, "ORRERY_TLS_LISTEN", tls.context(shown)) as secure:
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
