"""How fast the embedded bus takes events, with 1 and with 64 publishers at once, against bare `sqlite3`.

Run: python -m tests.bench.bus
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from libs.shared.bus.embedded import EmbeddedBus, open_bus
from libs.shared.event import Envelope
from libs.shared.failpoints import Failpoints
from libs.shared.values import SystemClock, time_ordered_id
from tests.bench.bare import BODY, bare_rate


def _envelope(n: int) -> Envelope:
    at = datetime.now(UTC)
    return Envelope(
        time_ordered_id(), "orrery.accounts.v1.UserCreated", "/accounts", f"users/{n}", at, BODY, sequence=n
    )


async def _rate(bus: EmbeddedBus, publishers: int, count: int) -> float:
    async def publisher() -> None:
        for n in range(count // publishers):
            await bus.publish([_envelope(n)])

    began = time.perf_counter()
    await asyncio.gather(*(publisher() for _ in range(publishers)))
    return count / (time.perf_counter() - began)


async def measure(folder: Path) -> dict[str, float]:
    """Events a second, by what was measured."""
    bare = bare_rate(folder)
    bus = await open_bus(folder / "bus.db", clock=SystemClock(), failpoints=Failpoints())
    await _rate(bus, 64, 2000)
    rates = {
        "bare sqlite3": bare,
        "1 publisher": await _rate(bus, 1, 1000),
        "64 publishers": await _rate(bus, 64, 20_000),
    }
    await bus.close()
    return rates


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        rates = uvloop.run(measure(Path(folder)))
    for name, rate in rates.items():
        print(f"{name:14} {rate:8.0f} events/s   {rate / rates['bare sqlite3']:5.2f} x bare")


if __name__ == "__main__":
    main()
