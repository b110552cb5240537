"""The suite's own spans -> the service that keeps traces, a batch a second."""

from __future__ import annotations

from typing import Any, Final

from libs.shared.bell import Bell
from libs.shared.errors import Fault
from libs.shared.event import CAUSE, Cause
from libs.shared.http.calls import Calls
from libs.shared.telemetry.gathered import Gathered, attributes
from libs.shared.telemetry.traces import UNSEEN
from libs.shared.values import Clock

KEEPER: Final = "mesh"
"""The service that keeps traces."""
PATH: Final = "/internal/mesh/v1/spans"
BATCH: Final = 500
PAUSE: Final = 1.0
IDLE: Final = 3600.0


async def send_spans(spans: Gathered, calls: Calls, clock: Clock) -> None:
    """For ever. What the keeper doesn't take is lost: traces are for looking, and no request waits for them."""
    CAUSE.set(Cause(traceparent=UNSEEN))  # or each batch would make another
    bell = Bell(clock)
    spans.woken(bell.ring)
    while True:
        if not spans.waiting:
            await bell.wait(IDLE)
        await clock.sleep(PAUSE)
        while batch := spans.take(BATCH):
            try:
                told = {"resourceSpans": [_told(service, found) for service, found in batch.items()]}
                await calls.ask(KEEPER, "POST", PATH, json=told)
            except Fault:
                spans.dropped += sum(map(len, batch.values()))


def _told(service: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    about = attributes({"service.name": service, "service.namespace": "orrery"})
    return {"resource": {"attributes": about}, "scopeSpans": [{"spans": found}]}
