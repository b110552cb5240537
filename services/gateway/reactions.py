"""Events of accounts, cluster and devops into the index, in every process; nothing is written anywhere."""

from __future__ import annotations

from libs.shared.bus.protocol import Beat
from libs.shared.event import Envelope, Event
from libs.shared.service import Follow
from services.gateway.domain.changes import CHANGES
from services.gateway.parts import Parts


async def remember(event: Event, envelope: Envelope, parts: Parts) -> None:
    """Let the event count in the next decision, cut off whom it concerns, and let replies go that waited for it."""
    parts.memory.take(event, envelope.version, envelope.time)
    parts.memory.told.note(envelope.id)


async def ask_for_snapshot(parts: Parts) -> None:
    """The tail stands: what happened before it is in a snapshot, which a worker loads."""
    parts.memory.begin(parts.clock.monotonic())


def hear(beat: Beat, parts: Parts) -> None:
    """A source is alive, and says up to when it has told everything: one that is far behind is as good as silent."""
    behind = (parts.clock() - beat.at).total_seconds()
    parts.memory.sources.hear(beat.source.rpartition("/")[2], parts.clock.monotonic(), behind)


FOLLOWS = tuple(Follow(event, remember) for event in CHANGES)
