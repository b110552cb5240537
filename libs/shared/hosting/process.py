"""The process: signals, event loop, what is said at the terminal."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import uvloop

from libs.shared.config.reader import Effective
from libs.shared.hosting import admin
from libs.shared.hosting.console import Console
from libs.shared.hosting.files import raise_files
from libs.shared.hosting.suite import Suite, suite_opened
from libs.shared.service import Later, Service
from libs.shared.telemetry.logs import Forward

SIGNALS = (signal.SIGINT, signal.SIGTERM)
COLLECT_AFTER = 20_000
"""Objects made since the last collection. At Python's 700 a busy pipeline spends a fifth of its time collecting what
is freed by reference counts anyway.
"""


def calm_collector() -> None:
    """What was made at the start stays, so no later collection need look at it; and collections are rarer. The
    command line has switched the collector off for the start, which makes little garbage.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(COLLECT_AFTER, 20, 20)


def run(services: Sequence[Service], effective: Effective, later: Sequence[Later] = ()) -> int:
    """Run the services until a signal ends them; 0 when everything ended well. Those that come `later` are opened once
    clients have been let in. Raises from the error tree when the start fails.
    """
    os.umask(0o077)  # what is written is for this user alone
    raise_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_until_signal(services, later, effective, Console(sys.stdout)))


async def _until_signal(
    services: Sequence[Service], later: Sequence[Later], effective: Effective, console: Console
) -> int:
    began = time.monotonic()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    names = [*(one.name for one in services), *(one.name for one in later)]
    console.starting(names, str(effective.suite.data))
    opening = suite_opened(services, effective, later=later, progress=console.opened)
    serving = asyncio.create_task(_serve(opening, console, stop, began))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await serving
    return 0


async def _serve(
    opening: AbstractAsyncContextManager[Suite], console: Console, stop: asyncio.Event, began: float
) -> None:
    async with opening as suite:
        _forward_logging(suite)
        _greet(suite, console, time.monotonic() - began)
        await _rest_stands(suite, stop)
        if not stop.is_set():
            console.complete(time.monotonic() - began)
        calm_collector()
        await stop.wait()
        console.ending()


async def _rest_stands(suite: Suite, stop: asyncio.Event) -> None:
    """Return when what comes later stands, or the end is near; raises what keeps it from standing."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((suite.rest, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if suite.rest.done():
        await suite.rest


def _greet(suite: Suite, console: Console, seconds: float) -> None:
    """Say where it answers; the password of a first start, once."""
    addresses = suite.doors.addresses
    if not addresses:
        console.say(f"{', '.join(s.service.name for s in suite.services)} ready ({seconds:.2f} s)")
        return
    console.answering(addresses, seconds, suite.doors.authority)
    if suite.password.to_show:
        console.password(suite.password.to_show)
    console.next(addresses[0], suite.password.to_show)
    admin.shown(suite.folder)


def _forward_logging(suite: Suite) -> None:
    """What libraries say by the standard `logging` goes where the services' logs go."""
    root = logging.getLogger()
    root.handlers[:] = [Forward(suite.services[0].host.telemetry.log.bind(service="process"))]
    root.setLevel(logging.WARNING)
