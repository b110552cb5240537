"""Which receivers are told of an alert, by which channels: the platform's, a tenant's where he may see the namespace,
those that a router names; and who is silent for now (spec 6.3, 6.5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from libs.shared.errors import Invalid
from libs.shared.objects import meta
from libs.shared.regex import compiled
from services.notification.domain.cron import cron_of
from services.notification.domain.object import Receiver, Router, Silence
from services.notification.domain.selecting import matches
from services.notification.domain.signal import Signal
from services.notification.domain.span import span_of

SENT_BY = ("email", "webhook", "slack")
"""Channels that are served."""


@dataclass(frozen=True, slots=True)
class Target:
    """One channel of one receiver, with the alerts that it is to be told of."""

    receiver: Receiver
    channel: str
    signals: tuple[Signal, ...] = ()

    @property
    def lane(self) -> str:
        """What is told one after the other."""
        return lane_of(self.receiver.name, self.channel)

    @property
    def said(self) -> Mapping[str, Any]:
        """What the receiver says of the channel."""
        return self.receiver.part(self.channel)


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that decides who is told. `seers` are the tenants who may see alerts of the bunch's namespace."""

    receivers: Sequence[Receiver] = ()
    routers: Sequence[Router] = ()
    silences: Sequence[Silence] = ()
    seers: frozenset[str] = field(default_factory=frozenset)


def lane_of(receiver: str, channel: str) -> str:
    """What is told one after the other."""
    return f"{receiver}/{channel}"


def targets(standing: Standing, signals: Sequence[Signal], at: datetime) -> list[Target]:
    """Who is told of which of these. A channel that is told of none is there too: what it was told may be over."""
    heard = [signal for signal in signals if not _silent(standing.silences, "", signal, at)]
    found = []
    for receiver in standing.receivers:
        seen = receiver.owner == "" or receiver.owner in standing.seers
        for channel in SENT_BY:
            said = receiver.part(channel)
            if not said or said.get("enabled") is False:
                continue
            own = [signal for signal in heard if seen and _wanted(said, signal)]
            own += [
                signal for signal in heard if signal not in own and _routed(standing.routers, receiver, channel, signal)
            ]
            if receiver.owner:
                own = [signal for signal in own if not _silent(standing.silences, receiver.owner, signal, at)]
            found.append(Target(receiver, channel, tuple(own)))
    return found


def owners(standing: Standing) -> list[str]:
    """The tenants who have receivers."""
    return sorted({receiver.owner for receiver in standing.receivers if receiver.owner})


def _wanted(said: Mapping[str, Any], signal: Signal) -> bool:
    return _selects(said.get("alertSelector"), signal.labels)


def _selects(selector: Any, labels: Mapping[str, str]) -> bool:
    """A selector that can't be read selects nothing."""
    try:
        return matches(selector, labels)
    except Invalid:
        return False


def _routed(routers: Iterable[Router], receiver: Receiver, channel: str, signal: Signal) -> bool:
    return any(
        _selects(router.spec.get("alertSelector"), signal.labels) and channel in set(_channels(router, receiver))
        for router in routers
        if router.spec.get("enabled") is not False
    )


def _channels(router: Router, receiver: Receiver) -> Iterator[str]:
    """The channels of a receiver that a router names."""
    said = router.spec.get("receivers")
    if not isinstance(said, Mapping):
        return
    only = said.get("type")
    named = said.get("name")
    chosen = (isinstance(named, list) and receiver.name in named) or _named(said.get("regexName"), receiver.name)
    if said.get("selector"):
        chosen = chosen or _selects(said["selector"], receiver.labels)
    if chosen:
        yield from (channel for channel in SENT_BY if only in (None, "", channel))
    for one in said.get("channels") or ():
        if isinstance(one, Mapping) and receiver.owner and one.get("tenant") == receiver.owner:
            kinds = one.get("type") or SENT_BY
            yield from (channel for channel in SENT_BY if channel in kinds)


def _named(expression: Any, name: str) -> bool:
    """Whether an expression is found in a name; one that can't be read is found nowhere."""
    try:
        return bool(expression) and compiled(str(expression)).search(name) is not None
    except Invalid:
        return False


def _silent(silences: Iterable[Silence], owner: str, signal: Signal, at: datetime) -> bool:
    return any(
        silence.owner == owner and active(silence.spec, at) and _selects(silence.spec.get("matcher"), signal.labels)
        for silence in silences
    )


def active(spec: Mapping[str, Any], at: datetime) -> bool:
    """Whether a silence holds: always without times, from `startsAt` on, or within `duration` after each moment of its
    schedule.
    """
    if spec.get("enabled") is False:
        return False
    lasts = span_of(spec["duration"]) if spec.get("duration") else None
    began: datetime | None
    if spec.get("schedule"):
        cron = cron_of(spec["schedule"])
        if cron is None or lasts is None:
            return cron is not None
        began = cron.last(at)
    elif spec.get("startsAt"):
        began = meta.moment(str(spec["startsAt"]))
    else:
        return True
    if began is None or began > at:
        return False
    return lasts is None or at < began + timedelta(seconds=lasts)
