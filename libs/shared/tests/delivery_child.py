"""A process to be killed: makes users, tells of them, queues letters; `python -m … <folder> <failpoints> <count>`.

It prints the name of each user whose command has committed, and ends when every user's letter is there.
"""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from libs.shared import delivery
from libs.shared.bus.embedded import open_bus
from libs.shared.contracts.accounts_v1 import UserCreated
from libs.shared.delivery.consume import Consumer
from libs.shared.delivery.react import Reactor
from libs.shared.delivery.relay import Pace, Relay
from libs.shared.failpoints import parsed
from libs.shared.service import On
from libs.shared.store.protocol import Document
from libs.shared.store.sqlite import open_store
from libs.shared.telemetry.make import silent
from libs.shared.values import SystemClock, time_ordered_id


class User(Document):
    name: str


class Letter(Document):
    KEY: ClassVar[str] = "to"

    to: str
    texts: tuple[str, ...] = ()


async def make_user(unit, name):
    users = unit.of(User)
    if await users.look(name) is None:
        await users.put(User(name=name))
        unit.emit(UserCreated(user=name), subject=f"users/{name}")


async def queue_letter(unit, event):
    """Not idempotent, on purpose: a second run shows."""
    letters = unit.of(Letter)
    letter = await letters.look(event.user) or Letter(to=event.user)
    await letters.put(letter.model_copy(update={"texts": (*letter.texts, "welcome")}))


async def main(folder, plan, count):
    clock, failpoints = SystemClock(), parsed(plan)

    async def store(name, *kinds):
        path, documents = folder / f"{name}.db", (*kinds, *delivery.DOCUMENTS)
        return await open_store(
            path, documents, clock=clock, ids=time_ordered_id, source=f"/{name}", failpoints=failpoints
        )

    accounts, mail = await store("accounts", User), await store("mail", Letter)
    bus = await open_bus(folder / "bus.db", clock=clock, failpoints=failpoints)
    telemetry = silent("mail")
    reactor = Reactor("mail", [On(UserCreated, queue_letter)], mail, telemetry)
    consumer = Consumer(reactor, store=mail, bus=bus, clock=clock, telemetry=telemetry, failpoints=failpoints)
    relay = Relay(
        accounts,
        bus,
        source="/accounts",
        clock=clock,
        telemetry=silent("accounts"),
        failpoints=failpoints,
        pace=Pace(batch=8, poll=0.1),
    )
    tasks = [asyncio.create_task(relay.run()), asyncio.create_task(consumer.run())]

    async def user(k):
        for n in range(k, count, 4):
            await accounts.transact(make_user, f"user-{n}")
            print(f"user-{n}", flush=True)  # noqa: T201  # the parent reads it

    await asyncio.gather(*(user(k) for k in range(4)))
    while await mail.of(Letter).count() < count:
        await clock.sleep(0.01)
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await bus.close()
    await accounts.close()
    await mail.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
