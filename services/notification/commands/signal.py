"""Gathering what alerting tells, and telling receivers of it: state and messages in one unit, so that none is lost or
doubled whenever the process ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson

from libs.shared.contracts.alerting_v1 import AlertFiring, AlertResolved
from libs.shared.store.protocol import Equal, Find, Unit
from services.notification.domain import alarm
from services.notification.domain import letter as letters
from services.notification.domain import notice as notices
from services.notification.domain.letter import Letter, Reason
from services.notification.domain.notice import Message, Notice
from services.notification.domain.signal import Bunch, Signal, bunch_of, newer, signal_of
from services.notification.domain.target import Standing, Target, targets
from services.notification.domain.told import News, Told, tell, told_id


async def gather(unit: Unit, event: AlertFiring | AlertResolved) -> None:
    """Note what is told of an alert; its bunch waits from the first change on. What is older than known is left."""
    cause = unit.cause
    signal = signal_of(event, (cause.causation, cause.correlation, cause.traceparent))
    if not newer(signal, await unit.of(Signal).look(signal.fingerprint)):
        return
    await unit.of(Signal).put(signal)
    bunch = await unit.of(Bunch).look(signal.bunch)
    if bunch is None or not bunch.waiting:
        common = bunch_of(signal.labels, event.level)[1]
        await unit.of(Bunch).put(Bunch(id=signal.bunch, labels=common, since=unit.at))


async def tell_bunch(unit: Unit, name: str, standing: Standing, configs: Mapping[str, str], *, at: datetime) -> int:
    """Queue what each receiver is to be told of a bunch, and note it as told; how many messages. What is over is
    forgotten. `configs` says by which config a receiver's letters go, where by any.
    """
    bunch = await unit.of(Bunch).look(name)
    if bunch is None:
        return 0
    signals = sorted(await unit.of(Signal).find(Find((Equal("bunch", name),))), key=lambda one: one.fingerprint)
    every = {signal.fingerprint: signal for signal in signals}
    count = 0
    for target in targets(standing, signals, at):
        news = await _tell(unit, bunch, target, every)
        for one in news:
            count += await _queue(unit, bunch, target, one, configs.get(target.receiver.name, ""))
    await _close(unit, bunch, signals, at)
    return count


async def _tell(unit: Unit, bunch: Bunch, target: Target, every: Mapping[str, Signal]) -> list[News]:
    key = told_id(bunch.id, target.lane)
    known = await unit.of(Told).look(key)
    fresh = Told(id=key, bunch=bunch.id, lane=target.lane, uid=target.receiver.uid)
    mine = known if known is not None and known.uid == target.receiver.uid else fresh
    after, news = tell(mine, target.signals, every)
    if after.firing:
        await unit.of(Told).put(after)
    elif known is not None:
        await unit.of(Told).drop(key)
    return news


async def _close(unit: Unit, bunch: Bunch, signals: Sequence[Signal], at: datetime) -> None:
    """What was over is told, and forgotten; so is a bunch of which nothing fires."""
    for signal in signals:
        if not signal.firing:
            await unit.of(Signal).drop(signal.fingerprint)
    if any(signal.firing for signal in signals):
        await unit.of(Bunch).put(bunch.model_copy(update={"waiting": False, "since": at}))
        return
    for told in await unit.of(Told).find(Find((Equal("bunch", bunch.id),))):
        await unit.of(Told).drop(told.id)
    await unit.of(Bunch).drop(bunch.id)


async def _queue(unit: Unit, bunch: Bunch, target: Target, news: News, via: str) -> int:
    """The messages of one piece of news: a letter to each recipient, a notice to a webhook or to each chat."""
    first = news.signals[0]
    reason = Reason(first.event, first.correlation, first.traceparent)
    if target.channel == "email":
        subject, body = alarm.subject(news.signals, bunch.labels), alarm.body(news.signals)
        for to in dict.fromkeys(target.said["to"]):
            name = letters.identity_of(news.name, to)
            await _keep_letter(unit, name, (to, via), (subject, body), reason)
        return len(target.said["to"])
    receiver = target.receiver
    if target.channel == "slack":
        for to in dict.fromkeys(target.said["channels"]):
            text = orjson.dumps({"channel": to, "text": alarm.chat(news.signals, bunch.labels)}).decode()
            message = Message(receiver.name, receiver.uid, target.channel, text, to)
            await _keep_notice(unit, letters.identity_of(news.name, to), message, reason)
        return len(target.said["channels"])
    body = orjson.dumps(alarm.payload(news.signals, bunch.labels)).decode()
    message = Message(receiver.name, receiver.uid, target.channel, body)
    await _keep_notice(unit, letters.identity_of(news.name, ""), message, reason)
    return 1


async def _keep_letter(unit: Unit, name: str, where: tuple[str, str], text: tuple[str, str], reason: Reason) -> None:
    if await unit.of(Letter).look(name) is None:
        letter, event = letters.alarm(name, where, text, reason, unit.at)
        unit.emit(event, subject=f"letters/{name}", about=await unit.of(Letter).put(letter))


async def _keep_notice(unit: Unit, name: str, message: Message, reason: Reason) -> None:
    if await unit.of(Notice).look(name) is None:
        notice, event = notices.write(name, message, reason, unit.at)
        unit.emit(event, subject=f"notices/{name}", about=await unit.of(Notice).put(notice))
