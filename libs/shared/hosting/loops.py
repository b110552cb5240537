"""The loops of one service: relay, consumer, parked retries, follower, workers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from libs.shared.delivery.consume import Consumer
from libs.shared.delivery.follow import Follower, Following
from libs.shared.delivery.keep import sweep_inbox
from libs.shared.delivery.parked_worker import ParkedRetries
from libs.shared.delivery.react import Reactor
from libs.shared.delivery.relay import Relay
from libs.shared.errors import Busy
from libs.shared.hosting.leased import run_leased
from libs.shared.hosting.tasks import Loop
from libs.shared.service import Host, Service

LOCAL = "local"
"""Owner of leases in a store that one process has to itself: its own leftovers hold it up for no moment."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Whether the followers' tail has stood once."""

    stands: asyncio.Event = field(default_factory=asyncio.Event)

    async def ready(self) -> None:
        """Return if it has; raises `Busy`."""
        if not self.stands.is_set():
            raise Busy("followers-begin", "the followers' tail does not stand yet", retry_after=1)


def source_of(service: str) -> str:
    """CloudEvents `source` of a service's events, and the name of its relay's beats."""
    return f"/orrery/{service}"


def follows(service: Service) -> bool:
    """Whether the service listens to a tail."""
    return bool(service.follows or service.on_tail or service.on_beat)


def telling(service: Service, host: Host, heard: asyncio.Event) -> Iterator[tuple[str, Loop]]:
    """From the outbox to the bus, once somebody listens: begun first, ended last. A relay that spoke up earlier would
    beat to nobody, and whoever rests on its beats would wait for the next.
    """
    if service.publishes:
        relay = Relay(
            host.store,
            host.events,
            source=source_of(service.name),
            clock=host.clock,
            telemetry=host.telemetry,
            failpoints=host.failpoints,
        )
        yield "relay", partial(_once, heard, relay.run)


def listening(service: Service, host: Host, parts: Any, tail: Tail) -> Iterator[tuple[str, Loop]]:
    """From the bus to reactions and followers, and the workers, in this order."""
    if service.reactions:
        yield from _reacting(service, host)
    if follows(service):
        yield "follower", _follower(service, host, parts, tail).run
    yield "sweep", partial(sweep_inbox, host.store, host.clock, host.telemetry)
    for worker in service.workers:
        run = partial(worker.run, parts)
        yield worker.name, partial(_leased, worker.name, run, host) if worker.lease else run


def _reacting(service: Service, host: Host) -> Iterator[tuple[str, Loop]]:
    reactor = Reactor(service.name, service.reactions, host.store, host.telemetry)
    consumer = Consumer(
        reactor,
        store=host.store,
        bus=host.events,
        clock=host.clock,
        telemetry=host.telemetry,
        failpoints=host.failpoints,
    )
    retries = ParkedRetries(reactor, store=host.store, clock=host.clock, telemetry=host.telemetry)
    yield "consumer", consumer.run
    yield "parked", partial(_leased, "parked", retries.run, host)


def _follower(service: Service, host: Host, parts: Any, tail: Tail) -> Follower:
    async def on_tail(parts: Any) -> None:
        if service.on_tail is not None:
            await service.on_tail(parts)
        tail.stands.set()

    following = Following(service.name, service.follows, on_tail, service.on_beat)
    return Follower(following, parts=parts, bus=host.events, clock=host.clock, telemetry=host.telemetry)


async def _once(moment: asyncio.Event, run: Loop) -> None:
    await moment.wait()
    await run()


async def _leased(name: str, run: Loop, host: Host) -> None:
    await run_leased(name, LOCAL, run, host.store, host.clock)
