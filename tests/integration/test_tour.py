"""The tours, pasted line by line."""

from __future__ import annotations

import asyncio
import pathlib
import re
from dataclasses import dataclass

import pytest

from tests.suite import running

ROOT = pathlib.Path(__file__).parents[2]
README, SECOND = ROOT / "README.md", ROOT / "docs" / "tour.md"
TRIES = 120
WRITES = re.compile(r"post |curl .*-d ")
"""What changes something is pasted once."""
MARK = "@@ end of answer @@"


@dataclass(frozen=True)
class Line:
    """What is pasted, and what has to be in the answer (nothing for lines that only prepare)."""

    command: str
    expected: str = ""


def tour(section: str) -> list[Line]:
    """The lines of its blocks."""
    found: list[Line] = []
    for line in "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL)).splitlines():
        if line.startswith("# → "):
            found[-1] = Line(found[-1].command, line.removeprefix("# → "))
        elif line:
            found.append(Line(line))
    return found


async def pasted(shell: asyncio.subprocess.Process, command: str) -> str:
    """What one line prints."""
    assert shell.stdin is not None
    assert shell.stdout is not None
    shell.stdin.write(f"{command}\necho; echo '{MARK}'\n".encode())
    await shell.stdin.drain()
    return (await asyncio.wait_for(shell.stdout.readuntil(f"{MARK}\n".encode()), 30)).decode()


async def walk(lines: list[Line], **settings: str) -> None:
    """Paste each line: it prints what the page says (blanks apart; what takes a moment is asked again)."""
    async with running(admin_password="P@88w0rd", **settings) as suite:
        shell = await asyncio.create_subprocess_exec(
            "bash",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1 << 24,
        )
        for line in lines:
            command = {"G": f"G={suite.gateway}", "PASSWORD": "PASSWORD='P@88w0rd'"}.get(
                line.command.partition("=")[0], line.command
            )
            printed = await pasted(shell, command)
            for _ in range(0 if WRITES.match(command) else TRIES):
                if squeezed(line.expected) in squeezed(printed):
                    break
                await asyncio.sleep(0.5)
                printed = await pasted(shell, command)
            assert squeezed(line.expected) in squeezed(printed), f"{line.command}\n{printed}"
        assert shell.stdin is not None
        shell.stdin.close()
        await shell.wait()


async def test_every_line_of_the_tour_answers_as_it_says() -> None:
    """The README's first tour, on the suite as it starts."""
    lines = tour(README.read_text().partition("## A first tour")[2].partition("\n## ")[0])
    assert sum(bool(line.expected) for line in lines) > 10
    await walk(lines)


async def test_the_second_tour(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One app through all eleven services: store, log, CPU, alert, pipeline, traffic, time line."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    lines = tour(SECOND.read_text())
    assert sum(bool(line.expected) for line in lines) > 40
    await walk(lines, demo="true", egress_allow="127.0.0.1", notification_group_wait="1")


def squeezed(text: str) -> str:
    """Without blanks."""
    return re.sub(r"\s+", "", text)
