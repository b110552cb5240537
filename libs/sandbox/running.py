"""Controllers as tasks: each owned, started again when it fails, and cancelled when the sandbox closes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from libs.sandbox.hooks import Controller
from libs.shared.values import Clock

AGAIN = 1.0
"""Seconds until a controller that failed is started again."""


@asynccontextmanager
async def running(controllers: Iterable[Controller], clock: Clock) -> AsyncIterator[None]:
    """Run them until the block ends."""
    tasks = [asyncio.create_task(_kept(controller, clock)) for controller in controllers]
    try:
        yield
    finally:
        for task in reversed(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _kept(controller: Controller, clock: Clock) -> None:
    while True:
        task = asyncio.ensure_future(controller())
        try:
            await asyncio.wait((task,))
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait((task,))
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logging.getLogger(__name__).error("a sandbox controller failed and starts again", exc_info=error)
        await clock.sleep(AGAIN)
