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

import uvloop

from libs.shared.config.reader import Effective
from libs.shared.hosting import admin
from libs.shared.hosting.console import Console
from libs.shared.hosting.files import raise_files
from libs.shared.hosting.suite import Suite, suite_opened
from libs.shared.service import Service
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


def run(services: Sequence[Service], effective: Effective) -> int:
    """Run the services until a signal ends them; 0 when everything ended well. Raises from the error tree when the
    start fails.
    """
    os.umask(0o077)  # what is written is for this user alone
    raise_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_until_signal(services, effective, Console(sys.stdout)))


async def _until_signal(services: Sequence[Service], effective: Effective, console: Console) -> int:
    began = time.monotonic()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    console.starting([service.name for service in services], str(effective.suite.data))
    serving = asyncio.create_task(_serve(services, effective, console, stop, began))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await serving
    return 0


async def _serve(
    services: Sequence[Service], effective: Effective, console: Console, stop: asyncio.Event, began: float
) -> None:
    async with suite_opened(services, effective, progress=console.opened) as suite:
        _forward_logging(suite)
        _greet(suite, console, time.monotonic() - began)
        calm_collector()
        await stop.wait()
        console.ending()


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
