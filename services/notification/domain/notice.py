"""A message on its way to a webhook or a chat: tried until it arrives, one after the other for each channel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from libs.shared.contracts.notification_v1 import NoticeAbandoned, NoticeDelivered, NoticeQueued
from libs.shared.store.protocol import Document, Index
from services.notification.domain.letter import LONGEST_REASON, Patience, Reason, place


class Progress(StrEnum):
    """Where it stands."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"


ENDED = (Progress.DELIVERED, Progress.ABANDONED)


class Notice(Document):
    """One message to one channel of a receiver; `to` is the channel of a chat. Its id never changes, and goes along."""

    COLLECTION: ClassVar[str] = "notices"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index(("order",)),
        Index(("lane", "state", "order")),
        Index(("state", "order")),
    )

    id: str
    receiver: str
    uid: str
    """Of the receiver."""
    channel: str
    lane: str
    to: str = ""
    body: str
    state: Progress = Progress.QUEUED
    attempts: int = 0
    status: int = 0
    """Of the last answer; 0 when there was none."""
    last_error: str = ""
    order: str
    queued_at: datetime
    since: datetime
    """When it was first tried: patience counts from there."""
    due_at: datetime
    ended_at: datetime | None = None
    event: str = ""
    correlation: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """How an attempt ended. `last` is one that no other attempt changes; `retry_after` in seconds as was asked for."""

    text: str
    status: int = 0
    retry_after: float = 0
    last: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be said to a channel of a receiver, which `uid` tells from others of its name."""

    receiver: str
    uid: str
    channel: str
    body: str
    to: str = ""


def write(name: str, message: Message, reason: Reason, at: datetime) -> tuple[Notice, NoticeQueued]:
    """A message that waits."""
    notice = Notice(
        id=name,
        receiver=message.receiver,
        uid=message.uid,
        channel=message.channel,
        lane=f"{message.receiver}/{message.channel}",
        to=message.to,
        body=message.body,
        order=f"{place(at)}-{name}",
        queued_at=at,
        since=at,
        due_at=at,
        event=reason.event,
        correlation=reason.correlation,
        traceparent=reason.traceparent,
    )
    return notice, NoticeQueued(notice=name, receiver=message.receiver, channel=message.channel)


def deliver(notice: Notice, status: int, at: datetime) -> tuple[Notice, NoticeDelivered]:
    """The receiver has it."""
    attempts = notice.attempts + 1
    update = {"state": Progress.DELIVERED, "attempts": attempts, "status": status, "last_error": "", "ended_at": at}
    event = NoticeDelivered(notice=notice.id, receiver=notice.receiver, channel=notice.channel, attempts=attempts)
    return notice.model_copy(update=update), event


def put_off(
    notice: Notice, failure: Failure, at: datetime, patience: Patience
) -> tuple[Notice, NoticeAbandoned | None]:
    """Try again later, or give up: what is behind it goes on then."""
    tried = notice.model_copy(
        update={
            "since": notice.since if notice.attempts else at,
            "attempts": notice.attempts + 1,
            "status": failure.status,
            "last_error": failure.text[:LONGEST_REASON],
        }
    )
    due = at + timedelta(seconds=max(pause(tried, patience), min(failure.retry_after, patience.most)))
    if not failure.last and due <= tried.since + timedelta(seconds=patience.give_up):
        return tried.model_copy(update={"due_at": due}), None
    return abandon(tried, failure.text, "refused" if failure.last else "expired", at)


def abandon(notice: Notice, why: str, reason: str, at: datetime) -> tuple[Notice, NoticeAbandoned]:
    """Given up. What went wrong stays with the message; the event names the kind of it alone."""
    lost = notice.model_copy(update={"state": Progress.ABANDONED, "ended_at": at, "last_error": why[:LONGEST_REASON]})
    event = NoticeAbandoned(
        notice=notice.id,
        receiver=notice.receiver,
        channel=notice.channel,
        attempts=notice.attempts,
        reason=reason,
    )
    return lost, event


def pause(notice: Notice, patience: Patience) -> float:
    """Seconds until the next attempt: between half and the whole of a pause that doubles, spread by the message."""
    whole = min(patience.first * 2.0 ** min(notice.attempts - 1, 32), patience.most)
    spread = int(hashlib.sha256(f"{notice.id} {notice.attempts}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return whole * (0.5 + spread / 2)
