"""The loops: the log, and what is delivered of it."""

from __future__ import annotations

from libs.shared.service import Worker
from services.events.workers import delivery, log

WORKERS = (
    Worker("mirror", log.mirror),
    Worker("sweep", log.sweep),
    Worker("pump", log.pump, lease=False),
    Worker("beat", log.beat, lease=False),
    Worker("deliver", delivery.deliver),
    Worker("sweep-deliveries", delivery.sweep),
)
