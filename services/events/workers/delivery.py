"""Telling subscribers: a loop for each subscription plans what it is to get, and sends it in order within a subject."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus

from libs.shared.bell import Bell
from libs.shared.egress.client import Ask, Reply
from libs.shared.errors import Broken, Busy, Fault
from services.events.commands import delivery as commands
from services.events.commands import subscription as subscriptions
from services.events.domain import delivery as domain
from services.events.domain.delivery import Delivery, Failure, Patience
from services.events.domain.entry import Entry
from services.events.domain.sight import Viewer
from services.events.domain.signature import headers
from services.events.domain.subscription import Subscription, belongs
from services.events.parts import Parts
from services.events.queries import delivery as queries
from services.events.queries import log
from services.events.queries.subscription import active_subscriptions, removed_subscriptions, served_subscription
from services.events.shapes.log import whole

PAGE = 100
"""Entries that are planned in one unit."""
CHUNK = 500
LARGEST_ANSWER = 16 << 10
MEDIA = "application/cloudevents+json"
HOUR = 3600.0


async def deliver(parts: Parts) -> None:
    """Serve each active subscription by a task of its own, so that a slow receiver holds up nobody else."""
    serving: dict[tuple[str, int], asyncio.Task[None]] = {}
    seen = (await log.log_cursor(parts.store)).position
    async with asyncio.TaskGroup() as tasks:
        while True:
            wanted = {(one.uid, one.replays): one for one in await active_subscriptions(parts.store)}
            for key in [key for key, task in serving.items() if key not in wanted or task.done()]:
                serving.pop(key).cancel()
            for key, one in wanted.items():
                if key not in serving:
                    serving[key] = tasks.create_task(serve(one, parts), name=f"deliver {one.key}")
            await parts.desk.bells.changed.wait(parts.settings.poll)
            seen = await ring_for_others(seen, parts)


async def ring_for_others(seen: int, parts: Parts) -> int:
    """Ring for what another process has mirrored since; the mirror of this one has rung for its own already."""
    entries = await log.next_entries(parts.store, seen, CHUNK)
    parts.desk.bells.ring(frozenset(entry.kind for entry in entries))
    return entries[-1].position if entries else seen


async def serve(subscription: Subscription, parts: Parts) -> None:
    """Plan and send for ever, or until the subscription is suspended; whoever started this ends it otherwise."""
    bell = parts.desk.bells.hang(subscription.uid, subscription.types)
    try:
        while True:
            try:
                more = await step(subscription, bell, parts)
            except (Busy, Broken) as fault:
                parts.journal.held_up(subscription, fault)
                more = True
                await parts.clock.sleep(parts.settings.poll)
            if not more:
                return
    finally:
        parts.desk.bells.take(subscription.uid, bell)


async def step(subscription: Subscription, bell: Bell, parts: Parts) -> bool:
    """One look at the log and at what waits; whether there is to be another. Raises `Busy` and `Broken` when rights
    can't be found out or the store is at its worst.
    """
    now = await served_subscription(parts.store, subscription)
    if now is None:
        return False
    viewer = await parts.desk.sights.of(now.owner)
    if viewer is None:
        reason = f"the account {now.owner} is disabled or gone"
        await parts.store.transact(subscriptions.suspend_subscription, now.key, reason=reason)
        return False
    viewer = await log.with_floors(parts.store, viewer)
    pending = await queries.pending_deliveries(parts.store, now.uid)
    planned = len(pending) < queries.WINDOW and await plan(now, viewer, parts)
    due, later = domain.heads(pending, parts.clock())
    gone = await send_all(due[: parts.settings.deliveries_at_once], now, viewer, parts)
    if gone:
        await parts.store.transact(subscriptions.suspend_subscription, now.key, reason="the receiver answered 410 Gone")
        return False
    if not planned and not due:
        waits = parts.settings.poll * 30 if later is None else (later - parts.clock()).total_seconds()
        await bell.wait(min(max(waits, 0.001), parts.settings.poll * 30))
    return True


async def plan(subscription: Subscription, viewer: Viewer, parts: Parts) -> bool:
    """Note what of the log's next entries is to be delivered; whether there was any."""
    head = (await log.log_cursor(parts.store)).position
    entries = await queries.wanted_entries(parts.store, subscription, head, PAGE)
    if not entries:
        return False
    await parts.store.transact(
        commands.plan_deliveries,
        subscription,
        [entry for entry in entries if viewer.sees(entry)],
        through=entries[-1].position,
        at=parts.clock(),
    )
    return True


async def send_all(due: Sequence[Delivery], subscription: Subscription, viewer: Viewer, parts: Parts) -> bool:
    """One attempt for each of these, all at once; whether a receiver said that it is gone for good."""
    ends = await asyncio.gather(*(send(one, subscription, viewer, parts) for one in due), return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return any(ends)


async def send(delivery: Delivery, subscription: Subscription, viewer: Viewer, parts: Parts) -> bool:
    """One attempt, and the note of how it ended; whether the receiver is gone for good."""
    entry = await queries.look_entry(parts.store, delivery.event)
    if entry is None or not viewer.sees(entry):
        reason = "the event is no longer kept" if entry is None else f"{subscription.owner} may not see it any more"
        await parts.store.transact(commands.withhold_delivery, delivery.id, reason=reason, at=parts.clock())
        return False
    outcome = await attempt(entry, subscription, parts)
    parts.journal.attempted(outcome)
    if not isinstance(outcome, Failure):
        await parts.store.transact(commands.note_arrival, delivery.id, status=outcome.status, at=parts.clock())
        return False
    settings = parts.settings
    await parts.store.transact(
        commands.put_off_delivery,
        delivery.id,
        subscription,
        outcome,
        at=parts.clock(),
        patience=Patience(settings.retry_first, settings.retry_most, settings.give_up),
    )
    return outcome.status == HTTPStatus.GONE


async def attempt(entry: Entry, subscription: Subscription, parts: Parts) -> Reply | Failure:
    """Post it once. What isn't taken with a status of 2xx has failed; redirects are not followed."""
    body = whole(entry)
    try:
        secret = parts.desk.sealer.unseal(subscription.secret, belongs(subscription))
        signed = headers(secret, entry.event, parts.clock(), body)
        ask = Ask(
            "POST",
            subscription.url,
            {"Content-Type": MEDIA, **signed},
            body,
            seconds=parts.settings.delivery_timeout,
            largest=LARGEST_ANSWER,
            hops=0,
        )
        reply = await parts.desk.egress.fetch(ask)
    except Fault as fault:
        return Failure(fault.text)
    if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        return reply
    after = reply.headers.get("Retry-After", "")
    return Failure(f"the receiver answered {reply.status}", reply.status, float(after) if after.isdecimal() else 0)


async def sweep(parts: Parts) -> None:
    """Forget what ended long ago, and what belonged to subscriptions that are gone."""
    while True:
        while await sweep_some(parts) == CHUNK:
            await parts.clock.sleep(parts.settings.poll)
        await parts.clock.sleep(HOUR)


async def sweep_some(parts: Parts) -> int:
    """A bounded number; how many."""
    before = parts.clock() - timedelta(days=parts.settings.keep_deliveries_days)
    names = list(await queries.ended_deliveries(parts.store, before, CHUNK))
    for removed in await removed_subscriptions(parts.store):
        if len(names) >= CHUNK:
            break
        orphans = await queries.deliveries_of(parts.store, removed.uid, CHUNK)
        if not orphans:
            await parts.store.transact(commands.forget_removed, removed.uid)
        names += orphans
    names = list(dict.fromkeys(names))[:CHUNK]
    if names:
        await parts.store.transact(commands.drop_deliveries, names)
    return len(names)
