"""The gateway's audit records, from the records channel into the index."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from pydantic import ValidationError

from libs.shared.bus.protocol import START, Beat, Message, Unreadable
from libs.shared.contracts.gateway_v1 import AuditRecorded
from libs.shared.errors import Busy, Gone, Malformed
from services.logging import commands, queries
from services.logging.domain import audit
from services.logging.domain.entry import AUDITING, Entry
from services.logging.parts import Parts

CHANNEL = "audit"
TYPES = (AuditRecorded.full_type(),)
BREATH = 0.5
"""Seconds before a tail that fell behind is opened again."""


async def follow_audits(parts: Parts) -> None:
    """Keep what comes, for ever. How far it is read is noted once all before is on disk; what comes again after a kill
    replaces itself, by its id.
    """
    after = await queries.read_up_to(parts.store, CHANNEL)
    while True:
        try:
            async with aclosing(parts.sources.records.tail(TYPES, after=after)) as batches:
                async for batch in batches:
                    after = await keep(batch, parts) or after
        except Gone:
            parts.journal.gap(after)
            after = START
        except Busy as fault:
            parts.journal.waits(CHANNEL, fault)
            await parts.clock.sleep(fault.retry_after or BREATH)
            after = await queries.read_up_to(parts.store, CHANNEL)


async def keep(batch: Sequence[Message | Unreadable | Beat], parts: Parts) -> str:
    """Keep a batch, and note how far that is; what is no record is counted and left out. Empty where there is none."""
    told = [item for item in batch if not isinstance(item, Beat)]
    if not told:
        return ""
    entries = [entry for item in told if (entry := read(item, parts)) is not None]
    await parts.keeping.index.keep(AUDITING, entries, soon=False)
    parts.journal.kept(AUDITING.name, len(entries))
    await parts.store.transact(commands.note_read, CHANNEL, position=told[-1].position)
    return told[-1].position


def read(item: Message | Unreadable, parts: Parts) -> Entry | None:
    """The entry of a message; None for what is not kept."""
    if isinstance(item, Unreadable):
        parts.journal.left_out(AUDITING.name, item.reason)
        return None
    try:
        event = AuditRecorded.model_validate_json(item.envelope.data)
        if not audit.worth_keeping(event, reads=parts.settings.audit_reads):
            return None
        space = parts.spaces.get(event.namespace) if event.namespace else None
        return audit.recorded(event, space.workspace if space else "")
    except (ValidationError, Malformed) as fault:
        parts.journal.left_out(AUDITING.name, str(fault)[:200])
        return None
