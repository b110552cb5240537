"""The services of one process: opened concurrently, then the public listeners, then what may come later; closed in
reverse.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TextIO

from libs.shared import failpoints
from libs.shared.bus.protocol import RETENTION
from libs.shared.config.reader import Effective
from libs.shared.delivery.keep import INBOX_KEEP, OUTBOX_KEEP, check_retention
from libs.shared.egress.allow import Allow
from libs.shared.egress.client import Egress
from libs.shared.hosting.admin import ADMIN, NO_PASSWORD, FirstPassword, first_password
from libs.shared.hosting.clusters import clusters_of
from libs.shared.hosting.folder import Folder
from libs.shared.hosting.keys import identity_key, identity_public_key, service_keys
from libs.shared.hosting.loops import follows
from libs.shared.hosting.opening import Opened, service_opened
from libs.shared.hosting.public import Doors, public_doors
from libs.shared.hosting.shared import Buses, Coming, Shared
from libs.shared.hosting.spans import KEEPER, send_spans
from libs.shared.hosting.tasks import Loop
from libs.shared.service import Later, Service
from libs.shared.telemetry.gathered import Gathered
from libs.shared.values import Clock, Ids, SystemClock, TimeOrderedIds

SECONDS_FOR_TAILS = 2.0
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Suite:
    """Services that stand, and where clients reach them."""

    services: tuple[Opened, ...]
    doors: Doors
    folder: Folder
    password: FirstPassword
    rest: asyncio.Task[None]
    """Ends when what comes later stands as well; raises from the error tree what keeps one of them from it."""


@asynccontextmanager
async def suite_opened(
    services: Sequence[Service],
    effective: Effective,
    *,
    later: Sequence[Later] = (),
    progress: Progress | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    logs: TextIO = sys.stderr,
) -> AsyncIterator[Suite]:
    """Open every service, then the doors for clients, and go on with those that come later; raises from the error tree
    when one can't be opened, with everything closed again.
    """
    check_retention(inbox=INBOX_KEEP, bus=RETENTION, outbox=OUTBOX_KEEP)
    folder = Folder.opened(effective.suite.data)
    clock = clock or SystemClock()
    plan = failpoints.parsed(effective.suite.failpoints)
    ids = ids or TimeOrderedIds()
    async with AsyncExitStack() as buses:
        claims = buses.enter_context(ExitStack())
        claims.callback(folder.tidy)
        for name in (*(one.name for one in services), *(one.name for one in later)):
            claims.enter_context(folder.claimed(name))
        shared = Shared(
            effective=effective,
            folder=folder,
            clock=clock,
            ids=ids,
            failpoints=plan,
            buses=Buses(folder, clock, plan, buses),
            password=first_password(effective.suite, folder) if any(s.name == ADMIN for s in services) else NO_PASSWORD,
            signing=identity_key(effective.suite, folder) if any(s.public for s in services) else None,
            verifying=identity_public_key(effective.suite, folder),
            logs=logs,
            clusters=await buses.enter_async_context(clusters_of(effective, folder, clock, ids)),
            callers=service_keys(effective.suite, folder, (*effective.services, *effective.elsewhere)),
            egress=Egress(Allow.parsed(effective.suite.egress_allow)),
            spans=Gathered(clock) if KEEPER in {**effective.services, **effective.elsewhere} else None,
            coming=Coming.of(one.name for one in later),
        )
        async with (
            _all_opened(services, shared, progress) as stand,
            stand[0].tasks.running(_tracing(stand[0], shared)),
            public_doors(stand, shared) as doors,
            _going_on(later, shared, progress) as rest,
        ):
            yield Suite(tuple(stand), doors, folder, shared.password, rest)


@asynccontextmanager
async def _all_opened(
    services: Sequence[Service], shared: Shared, progress: Progress | None
) -> AsyncIterator[list[Opened]]:
    """All of them at once; when one fails the others are closed, and its error is raised."""
    stacks = [AsyncExitStack() for _ in services]
    try:
        entering = (_entered(service, stack, shared, progress) for service, stack in zip(services, stacks, strict=True))
        results = await asyncio.gather(*entering, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        stand = [result for result in results if isinstance(result, Opened)]
        for one, stack in zip(stand, stacks, strict=True):
            await stack.enter_async_context(one.listening())
        await _tails_standing(stand)
        shared.heard.set()
        yield stand
    finally:
        await asyncio.gather(*(stack.aclose() for stack in stacks))


async def _entered(service: Service, stack: AsyncExitStack, shared: Shared, progress: Progress | None) -> Opened:
    began = shared.clock.monotonic()
    stand = await stack.enter_async_context(service_opened(service, shared))
    if progress is not None:
        progress(service.name, shared.clock.monotonic() - began)
    return stand


@asynccontextmanager
async def _going_on(
    later: Sequence[Later], shared: Shared, progress: Progress | None
) -> AsyncIterator[asyncio.Task[None]]:
    """Open the rest behind the open doors; what stands is closed when the block ends."""
    stacks = [AsyncExitStack() for _ in later]
    task = asyncio.create_task(_each_opened(later, stacks, shared, progress), name="open the rest")
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(*(stack.aclose() for stack in stacks))


async def _each_opened(
    later: Sequence[Later], stacks: Sequence[AsyncExitStack], shared: Shared, progress: Progress | None
) -> None:
    """Each imported in a thread and then opened; they listen once all of them can be asked."""
    stand = []
    for one, stack in zip(later, stacks, strict=True):
        service = await asyncio.to_thread(one.load)
        stand.append((await _entered(service, stack, shared, progress), stack))
        shared.coming.stands(one.name)
    for opened, stack in stand:
        await stack.enter_async_context(opened.listening())


def _tracing(stand: Opened, shared: Shared) -> Iterator[tuple[str, Loop]]:
    """What all services of this process trace is sent in the name of one."""
    if shared.spans is not None:
        yield "spans", partial(send_spans, shared.spans, stand.host.calls, shared.clock)


async def _tails_standing(stand: Sequence[Opened]) -> None:
    """Return when every follower's tail stands, or after a moment: a bus that is down must not keep relays quiet."""
    waiting = [asyncio.create_task(one.tail.stands.wait()) for one in stand if follows(one.service)]
    if waiting:
        _, late = await asyncio.wait(waiting, timeout=SECONDS_FOR_TAILS)
        for task in late:
            task.cancel()
