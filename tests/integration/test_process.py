"""The program itself: what it says and gives back, how it ends, what it leaves, how it begins again after a kill."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.house.source import ROOT

PATIENCE = 20.0


class Program:
    """`python -m services …` as a child, its words read line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []

    async def until(self, text: str) -> None:
        """Read until a line holds this text."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while text not in "".join(self.said[-1:]):
                line = await self.process.stdout.readline()
                assert line, f"ended without {text!r}: {''.join(self.said)}"
                self.said.append(line.decode())

    async def ended(self, number: signal.Signals | None = None) -> tuple[int, str]:
        """Its exit code and all that it said, after this signal if one is given."""
        if number is not None:
            self.process.send_signal(number)
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            rest = await self.process.stdout.read()
            code = await self.process.wait()
        return code, "".join(self.said) + rest.decode()


@asynccontextmanager
async def program(*arguments: str, data: Path, **settings: str) -> AsyncIterator[Program]:
    """Start it on this data folder; it is killed if the block leaves it running."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ORRERY_")}
    environment |= {"ORRERY_DATA": str(data), "ORRERY_LISTEN": "127.0.0.1:0", "ORRERY_TLS_LISTEN": "127.0.0.1:0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services",
        *arguments,
        cwd=ROOT,
        env=environment | settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def answer(*arguments: str, data: Path, **settings: str) -> tuple[int, str]:
    """What it gives back when it ends by itself."""
    async with program(*arguments, data=data, **settings) as one:
        return await one.ended()


def leftovers(data: Path) -> set[str]:
    """Sockets and locks, and the folder that holds them."""
    return {str(path.relative_to(data)) for path in data.rglob("*") if path.is_socket() or path.suffix == ".lock"} | {
        path.name for path in data.glob("run")
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_well(tmp_path: Path, number: signal.Signals) -> None:
    """Either signal drains and gives 0 within 5 s; no socket, lock or child stays."""
    async with program("accounts", "events", data=tmp_path) as one:
        await one.until("ready")
        assert leftovers(tmp_path) >= {"run/accounts.sock", "run/events.sock", "run"}
        began = asyncio.get_running_loop().time()
        code, said = await one.ended(number)
        assert (code, asyncio.get_running_loop().time() - began < 5) == (0, True), said
    assert leftovers(tmp_path) == set()


async def test_a_signal_while_it_starts_ends_it_well(tmp_path: Path) -> None:
    """Whoever changes his mind at once gets a clean end too."""
    async with program("accounts", data=tmp_path) as one:
        await one.until("Starting")
        code, said = await one.ended(signal.SIGTERM)
    assert code == 0, said
    assert leftovers(tmp_path) == set()


async def test_a_killed_process_does_not_stop_the_next(tmp_path: Path) -> None:
    """Stale sockets and locks are cleaned by the next start on the same folder."""
    async with program("events", data=tmp_path) as one:
        await one.until("ready")
        await one.ended(signal.SIGKILL)
    assert "run/events.sock" in leftovers(tmp_path)
    async with program("events", data=tmp_path) as two:
        await two.until("ready")
        assert (await two.ended(signal.SIGTERM))[0] == 0
    assert leftovers(tmp_path) == set()


async def test_a_second_process_gets_one_line(tmp_path: Path) -> None:
    """It names the folder, the first process and the remedy, and harms nothing."""
    async with program("events", data=tmp_path) as one:
        await one.until("ready")
        code, said = await answer("events", data=tmp_path)
        told = [line for line in said.splitlines() if line.startswith("orrery: ")]
        assert code == 1
        assert told == [line for line in said.splitlines() if "Starting" not in line]
        assert len(told) == 1
        assert f"(process {one.process.pid})" in told[0]
        assert "ORRERY_DATA" in told[0]
        assert (await one.ended(signal.SIGTERM))[0] == 0


async def test_another_service_on_the_same_embedded_bus_gets_one_line(tmp_path: Path) -> None:
    """The embedded bus is one process's: the second learns what to set instead."""
    async with program("events", data=tmp_path) as one:
        await one.until("ready")
        code, said = await answer("notification", data=tmp_path)
        assert code == 1
        assert "nats://" in said
        assert "Traceback" not in said


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"ORRERY_LISTEN": "x"}, "ORRERY_LISTEN"),
        ({"ORRERY_BUSS": "x"}, "did you mean ORRERY_BUS?"),
        ({"ORRERY_BUS": "rabbit://x"}, "accepted is embedded:"),
    ],
)
async def test_a_wrong_setting_is_one_line(tmp_path: Path, settings: dict[str, str], told: str) -> None:
    """No traceback, one line, exit code 2, and nothing was made."""
    code, said = await answer("events", data=tmp_path / "var", **settings)
    assert code == 2
    assert told in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "var").exists()


async def test_a_place_that_is_taken_is_one_line(tmp_path: Path) -> None:
    """Another program on the port: the setting is named, and what was opened is closed again."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        code, said = await answer("events", data=tmp_path, ORRERY_EVENTS_LISTEN=f"127.0.0.1:{port}")
    assert code == 1
    assert f"orrery: ORRERY_EVENTS_LISTEN: can't listen on 127.0.0.1:{port}: address already in use" in said
    assert leftovers(tmp_path) == set()


async def test_an_unknown_service_is_one_line(tmp_path: Path) -> None:
    """The names that there are are told."""
    code, said = await answer("acounts", data=tmp_path)
    assert (code, said.count("\n")) == (2, 1)
    assert "there are accounts, " in said
    assert ", notification" in said


async def test_check_prints_settings_without_secrets(tmp_path: Path) -> None:
    """Each with where it came from; nothing is started or made."""
    code, said = await answer(
        "--check",
        "notification",
        data=tmp_path / "var",
        ORRERY_ADMIN_PASSWORD="hunter2",
        ORRERY_MAIL="smtp://u:hunter3@h",
    )
    assert code == 0
    assert "hunter" not in said
    assert any(line.split() == ["ORRERY_MAIL", "smtp://u:***@h", "environment"] for line in said.splitlines())
    assert not (tmp_path / "var").exists()


async def test_map_names_what_there_is(tmp_path: Path) -> None:
    """Route to function, event to reaction, worker to loop, each on one line that an editor's search finds."""
    code, said = await answer("--map", "accounts", "notification", data=tmp_path)
    assert code == 0
    assert any("UserCreated" in line and "welcome_user" in line for line in said.splitlines())
    assert any(
        "send-letters" in line and "services.notification.workers.letters:send_letters" in line
        for line in said.splitlines()
    )


async def test_a_deep_data_folder_works(tmp_path: Path) -> None:
    """A path too long for a socket starts, answers, and leaves nothing in the short folder either."""
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    async with program("events", data=deep) as one:
        await one.until("ready")
        assert (await one.ended(signal.SIGTERM))[0] == 0
    assert leftovers(deep) == set()


async def test_version_is_told(tmp_path: Path) -> None:
    """One line, and nothing is started."""
    code, said = await answer("--version", data=tmp_path / "var")
    assert code == 0
    assert said.startswith("Orrery 0.")
    assert not (tmp_path / "var").exists()
