"""The README's tour, pasted line by line."""

from __future__ import annotations

import asyncio
import pathlib
import re
from dataclasses import dataclass

from tests.suite import running

README = pathlib.Path(__file__).parents[2] / "README.md"
MARK = "@@ end of answer @@"


@dataclass(frozen=True)
class Line:
    """What is pasted, and what has to be in the answer (nothing for lines that only prepare)."""

    command: str
    expected: str = ""


def tour(text: str) -> list[Line]:
    """The lines of the tour's blocks."""
    section = text.partition("## A first tour")[2].partition("\n## ")[0]
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


async def test_every_line_of_the_tour_answers_as_it_says() -> None:
    """Each pasted line prints what the README says it prints (blanks apart; letters take a moment to be written)."""
    lines = tour(README.read_text())
    assert sum(bool(line.expected) for line in lines) > 10
    async with running(admin_password="P@88w0rd") as suite:
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
            for attempt in range(20):
                printed = await pasted(shell, command)
                if squeezed(line.expected) in squeezed(printed):
                    break
                await asyncio.sleep(0.1 * (attempt > 0))
            assert squeezed(line.expected) in squeezed(printed), f"{line.command}\n{printed}"
        assert shell.stdin is not None
        shell.stdin.close()
        await shell.wait()


def squeezed(text: str) -> str:
    """Without blanks."""
    return re.sub(r"\s+", "", text)
