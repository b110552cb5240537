"""The embedded bus held to the conformance suite."""

import asyncio
import sqlite3
from datetime import timedelta

import pytest

from libs.shared.bus.embedded import EmbeddedBus, open_bus
from libs.shared.failpoints import Failpoints
from libs.shared.testing.bus import BusConformance
from libs.shared.testing.bus_groups import GroupConformance
from libs.shared.testing.bus_tails import TailConformance
from libs.shared.testing.clock import VirtualClock


class EmbeddedRig:
    bus: EmbeddedBus

    def __init__(self, path):
        self.path = path
        self.clock = VirtualClock()

    async def open(self):
        self.bus = await open_bus(
            self.path,
            clock=self.clock,
            failpoints=Failpoints(),
            retention_age=timedelta(days=1),
            max_message=64 * 1024,
            ack_wait=30,
        )
        return self.bus

    async def reopen(self):
        await self.bus.close()
        return await self.open()

    async def pass_time(self, seconds):
        await self.clock.advance(seconds)

    async def inject(self, raw):
        await self.bus.close()
        connection = sqlite3.connect(self.path)
        with connection:
            sent = int(self.clock().timestamp() * 1_000_000)
            connection.execute("INSERT INTO log (type, sent, body) VALUES ('', ?, ?)", (sent, raw))
        connection.close()
        await self.open()

    async def forget(self):
        await self.clock.advance(25 * 3600)
        await self.bus.trim()


@pytest.fixture
async def rig(tmp_path):
    rig = EmbeddedRig(tmp_path / "bus.db")
    await rig.open()
    yield rig
    await rig.bus.close()
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("bus ")] == []
    assert not (tmp_path / "bus.db.lock").exists()


class TestBus(BusConformance):
    pass


class TestGroups(GroupConformance):
    pass


class TestTails(TailConformance):
    pass
