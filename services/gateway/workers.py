"""Loops of the gateway: loading snapshots, telling audit records, watching over sources and open streams."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from libs.shared.contracts.gateway_v1 import AuditRecorded
from libs.shared.errors import Fault
from libs.shared.event import Envelope
from libs.shared.service import Worker
from services.gateway.clients.services import Overlong
from services.gateway.clients.snapshots import snapshot
from services.gateway.domain.changes import apply
from services.gateway.domain.index import Index
from services.gateway.domain.shelf import SOURCES
from services.gateway.parts import Parts

AGAIN = 0.05
"""Seconds before a snapshot or a batch is tried again, at first."""
LONGEST = 5.0
LOOK_EVERY = 0.5
SLICE = 500
"""Lines of a snapshot between two moments that others get to run in."""
SOURCE = "/orrery/gateway"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def load_snapshots(parts: Parts, source: str) -> None:
    """Load what stands, each time the followers' tail stands anew; until then what rests on the source is closed."""
    wait = AGAIN
    while True:
        await parts.memory.loadings[source].wanted.wait()
        try:
            await load_snapshot(parts, source)
        except Fault as fault:
            parts.journal.snapshots.labels("failed").inc()
            tell = parts.journal.log.warning if LONGEST / 2 <= wait < LONGEST else parts.journal.log.info
            tell("snapshot of the index failed", source=source, slug=fault.slug, reason=fault.text)
            parts.memory.loadings[source].wanted.set()
            await parts.clock.sleep(wait)
            wait = min(wait * 2, LONGEST)
        else:
            wait = AGAIN
            parts.journal.snapshots.labels("loaded").inc()


async def load_snapshot(parts: Parts, source: str) -> None:
    """Read the source's snapshot to its end, then decide by it. Raises `Busy` or `Broken`, and changes nothing then.

    A thing that is too long to be read is left out and grants nothing: it must not close all other decisions.
    """
    late = parts.memory.loading(source)
    staged, count = Index(), 0
    async for line in snapshot(parts.behind.services, source):
        count += 1
        if isinstance(line, Overlong):
            parts.journal.left_out.inc()
            beginning = line.beginning.decode("utf-8", "replace")
            parts.journal.log.error("left out of the index: too long to be read", beginning=beginning)
            continue
        apply(staged, line.event, line.version, parts.clock())
        if count % SLICE == 0:
            await parts.clock.sleep(0)
    parts.memory.adopt(source, staged, late)
    parts.journal.log.info("index loaded", source=source, things=count)


async def tell_audit(parts: Parts) -> None:
    """Records onto the records bus, in batches; one that the bus can't take now is offered again until it does."""
    wait = AGAIN
    while True:
        batch = await parts.trail.batch(parts.settings.audit_batch)
        try:
            await parts.making.records.publish([envelope(made) for made in batch])
        except Fault as fault:
            parts.journal.log.warning(
                "audit records wait", slug=fault.slug, reason=fault.text, waiting=parts.trail.waiting
            )
            await parts.clock.sleep(wait)
            wait = min(wait * 2, LONGEST)
        else:
            wait = AGAIN
            await parts.trail.told(len(batch))


async def tell_what_waits(parts: Parts) -> None:
    """What still waits, once, at the end. Raises what the bus raises."""
    parts.trail.close(parts.clock.monotonic())
    while parts.trail.waiting:
        batch = await parts.trail.batch(parts.settings.audit_batch)
        await parts.making.records.publish([envelope(made) for made in batch])
        await parts.trail.told(len(batch))


def envelope(made: AuditRecorded) -> Envelope:
    """A record as it travels; told twice it has the same id."""
    return Envelope(
        id=made.audit_id,
        type=AuditRecorded.full_type(),
        source=SOURCE,
        subject=f"audit/{made.user}",
        time=made.answered_at or EPOCH,
        data=made.model_dump_json(),
        workspace=made.workspace,
        actor=made.user,
    )


async def watch_over(parts: Parts) -> None:
    """Cut streams whose token has expired, or that rest on a source that has fallen silent; keep counted records."""
    while True:
        await parts.clock.sleep(LOOK_EVERY)
        watch_once(parts)


def watch_once(parts: Parts) -> None:
    """One look."""
    now = parts.clock.monotonic()
    parts.memory.look(now)
    parts.memory.streams.cut_expired(parts.clock())
    parts.trail.sweep(now)


WORKERS = (
    *(Worker(f"load {source} index", partial(load_snapshots, source=source), lease=False) for source in SOURCES),
    Worker("tell audit", tell_audit, lease=False),
    Worker("watch streams", watch_over, lease=False),
)
