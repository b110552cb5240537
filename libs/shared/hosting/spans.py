"""The suite's own spans -> the service that keeps traces, a batch a second."""

from __future__ import annotations

from typing import Any, Final

from libs.shared.bell import Bell
from libs.shared.errors import Fault
from libs.shared.event import CAUSE, Cause
from libs.shared.http.calls import Calls
from libs.shared.telemetry.gathered import Gathered, attributes
from libs.shared.values import Clock

KEEPER: Final = "mesh"
"""The service that keeps traces."""
PATH: Final = "/internal/mesh/v1/spans"
BATCH: Final = 500
PAUSE: Final = 1.0
IDLE: Final = 3600.0
UNSEEN: Final = "00-00000000000000000000000000000001-0000000000000001-00"
"""The parent of what sends spans: not recorded, or each batch would make another."""


async def send_spans(service: str, spans: Gathered, calls: Calls, clock: Clock) -> None:
    """For ever. What the keeper doesn't take is lost: traces are for looking, and no request waits for them."""
    CAUSE.set(Cause(traceparent=UNSEEN))
    bell = Bell(clock)
    spans.woken(bell.ring)
    about = attributes({"service.name": service, "service.namespace": "orrery"})
    while True:
        if not spans.waiting:
            await bell.wait(IDLE)
        await clock.sleep(PAUSE)
        while batch := spans.take(BATCH):
            try:
                await calls.ask(KEEPER, "POST", PATH, json=_told(about, batch))
            except Fault:
                spans.dropped += len(batch)


def _told(about: list[dict[str, Any]], batch: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": {"attributes": about}, "scopeSpans": [{"spans": batch}]}]}
