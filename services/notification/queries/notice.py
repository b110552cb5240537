"""Messages that wait for webhooks and chats."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from libs.shared.store.protocol import Equal, Find, OneOf, Range, Store
from services.notification.domain.letter import place
from services.notification.domain.notice import ENDED, Notice, Progress
from services.notification.domain.object import Receiver
from services.notification.domain.target import SENT_BY, lane_of

SWEPT = 200


async def heads(store: Store, skipped: Iterable[str]) -> list[Notice]:
    """The first that waits of each receiver's channel, but of those that are skipped."""
    if not await store.of(Notice).find(Find((Equal("state", Progress.QUEUED),), limit=1)):
        return []
    busy, found = set(skipped), []
    for receiver in await store.of(Receiver).find():
        for lane in (lane_of(receiver.name, channel) for channel in SENT_BY if receiver.part(channel)):
            if lane not in busy:
                where = (Equal("lane", lane), Equal("state", Progress.QUEUED))
                found += await store.of(Notice).find(Find(where, "order", 1))
    return found


async def orphans(store: Store) -> list[str]:
    """Of the oldest that wait: those whose receiver, or its channel, is gone or another one by now."""
    waiting = await store.of(Notice).find(Find((Equal("state", Progress.QUEUED),), "order", SWEPT))
    there = {receiver.name: receiver for receiver in await store.of(Receiver).find()} if waiting else {}
    return [
        notice.id
        for notice in waiting
        if (receiver := there.get(notice.receiver)) is None
        or receiver.uid != notice.uid
        or not receiver.part(notice.channel)
    ]


async def ended_notices(store: Store, before: datetime) -> list[str]:
    """Names of those queued before this moment that ended, a bounded number."""
    old = Find((OneOf("state", ENDED), Range("order", high=place(before))), "order", SWEPT)
    return [notice.id for notice in await store.of(Notice).find(old)]


async def list_notices(store: Store, after: str, limit: int) -> list[Notice]:
    """The newest first."""
    where = (Range("order", high=after),) if after else ()
    return await store.of(Notice).find(Find(where, "-order", limit))
