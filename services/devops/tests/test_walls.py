"""What a step can reach: its room, and neither the platform's folder nor its processes, where walls can be built."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.devops.clients.process import UNCONFINED, Job, Limits, Outcome, Processes

MIB = 1 << 20


class Place:
    """A data folder with a key in it, and a run's room; and what a step said there."""

    def __init__(self, data: Path) -> None:
        self.key, self.room = data / "keys" / "identity.pem", data / "devops" / "rooms" / "run"
        self.key.parent.mkdir(parents=True)
        self.room.mkdir(parents=True)
        self.key.write_text("a key")
        self.processes = Processes(Limits(512 * MIB, 16 * MIB, 40), 2, data)
        self.confined = UNCONFINED

    async def run(self, script: str, **env: str) -> tuple[Outcome, str]:
        said: list[bytes] = []

        async def hear(part: bytes) -> None:
            said.append(part)

        outcome = await self.processes.execute(Job(("/bin/sh", "-c", script), self.room, self.room, env), hear)
        return outcome, b"".join(said).decode()


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    """Probed, as at the start of the service."""
    found = Place(tmp_path / "data")
    found.confined = await found.processes.probe()
    return found


async def test_the_folder_and_the_processes_of_the_platform_are_hidden(place: Place) -> None:
    """A step reads the key and the platform's environment exactly where nothing walls it in, which is said then."""
    _, said = await place.run(f"cat {place.key}; cat /proc/{os.getpid()}/environ | head -c 1 | wc -c")
    bare = place.confined == UNCONFINED
    assert ("a key" in said) == bare, said
    assert said.rstrip().endswith("1" if bare else "0")


async def test_a_room_is_the_steps_own(place: Place) -> None:
    """It writes there, with relative and absolute paths, and what it leaves is there afterwards."""
    outcome, said = await place.run(f"echo one > a && echo two > {place.room}/b && cat {place.room}/a b && pwd")
    assert (outcome.code, said) == (0, f"one\ntwo\n{place.room}\n")
    assert (place.room / "a").read_text() == "one\n"


async def test_walls_stay(place: Place) -> None:
    """Nothing within takes them down, whatever the loader is told to load first."""
    hidden = place.key.parents[1]
    outcome, said = await place.run(f"umount {hidden} || umount -l {hidden} || echo stays; cat {place.key}", LD_X="1")
    if place.confined != UNCONFINED:
        assert "stays" in said
        assert "a key" not in said
    assert outcome.code != 0 or place.confined == UNCONFINED


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 7", "exit code 7"),
        ("exit 0", ""),
        ("kill -9 $$; sleep 5", "killed by signal 9"),
        ("kill -15 $$; sleep 5", "killed by signal 15"),
        ("setsid sleep 60 & exit 3", "exit code 3"),
    ],
)
async def test_its_end_is_told(place: Place, script: str, why: str) -> None:
    """Its code or its signal, walls or not; and nothing of it is left."""
    outcome, _ = await place.run(script)
    assert outcome.why == why
