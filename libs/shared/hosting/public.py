"""The doors for clients, ORRERY_LISTEN and (TLS) ORRERY_TLS_LISTEN: opened when everything behind them is ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from libs.shared.errors import Fault
from libs.shared.hosting.listening import door, runner
from libs.shared.hosting.opening import Opened
from libs.shared.hosting.shared import Shared

SECONDS_TO_FINISH = 1.5
"""How long clients' requests may go on once the suite is ending."""
SECONDS_TO_BE_READY = 10.0
"""After which the doors open all the same: what is not ready is refused, the rest works."""
BETWEEN_LOOKS = 0.01


@dataclass(frozen=True, slots=True)
class Doors:
    """Where clients reach the suite; nowhere when no service here faces them."""

    addresses: tuple[str, ...] = ()
    authority: str = ""
    """File of the certificate authority that clients may trust, when it was made here."""


@asynccontextmanager
async def public_doors(services: Sequence[Opened], shared: Shared) -> AsyncIterator[Doors]:
    """Let clients in while the block runs."""
    suite = shared.effective.suite
    async with AsyncExitStack() as stack:
        addresses: list[str] = []
        for stand in services:
            if stand.service.public is None:
                continue
            await _all_ready(services, shared)
            made = await stack.enter_async_context(runner(stand.service.public(stand.parts), SECONDS_TO_FINISH))
            bound = await stack.enter_async_context(door(made, suite.listen, "ORRERY_LISTEN"))
            addresses.append(str(bound) if bound.socket else f"http://{bound}")
        yield Doors(tuple(addresses))


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
