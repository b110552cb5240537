"""The real suite as a child process that may be told to kill itself, and a mail server that remembers."""

from __future__ import annotations

import asyncio
import email
import os
import pathlib
import signal
import socket
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiosmtpd.controller import Controller

PASSWORD = "Adm1n-of-the-harness"
PATIENCE = 20.0
"""Seconds for a start, and for what follows from a command to have happened."""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Mailbox:
    """An SMTP server in a thread; counts each Message-ID by recipient and subject."""

    def __init__(self) -> None:
        self.letters: dict[tuple[str, str], Counter[str]] = {}
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port())

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Accept the letter."""
        letter = email.message_from_bytes(envelope.content)
        for recipient in envelope.rcpt_tos:
            self.letters.setdefault((recipient, str(letter["Subject"])), Counter())[str(letter["Message-ID"])] += 1
        return "250 accepted"

    @property
    def address(self) -> str:
        """For ORRERY_MAIL."""
        return f"smtp://127.0.0.1:{self.controller.port}?starttls=never"


class Died(Exception):
    """The suite was killed before it answered."""


@dataclass
class Suite:
    """`python -m services` on a data folder of its own, started and killed as often as wanted."""

    data: pathlib.Path
    mail: str
    port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None

    @property
    def base(self) -> str:
        """The gateway's address."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, failpoints: str = "") -> float:
        """Start it, wait for its first answer; seconds that took."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ORRERY_")} | {
            "ORRERY_DATA": str(self.data),
            "ORRERY_LISTEN": f"127.0.0.1:{self.port}",
            "ORRERY_TLS_LISTEN": f"127.0.0.1:{self.tls_port}",
            "ORRERY_ADMIN_PASSWORD": PASSWORD,
            "ORRERY_MAIL": self.mail,
            "ORRERY_DEMO": "false",
            "ORRERY_ALLOW_FAILPOINTS": "true",
            "ORRERY_FAILPOINTS": failpoints,
            **self.settings,
        }
        began = asyncio.get_running_loop().time()
        with (self.data.parent / "suite.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services", env=environment, stdout=log, stderr=log
            )
        async with aiohttp.ClientSession() as session:
            while asyncio.get_running_loop().time() - began < PATIENCE:
                if self.process.returncode is not None:
                    break
                try:
                    async with session.get(self.base + "/kapis/version") as answer:
                        if answer.status == 200:
                            return asyncio.get_running_loop().time() - began
                except aiohttp.ClientError:
                    await asyncio.sleep(0.02)
        if self.died:
            raise Died
        raise AssertionError(f"the suite did not start: {self.tail()}")

    def tail(self) -> str:
        """The end of its log."""
        return (self.data.parent / "suite.log").read_text(errors="replace")[-2000:]

    @property
    def died(self) -> bool:
        """Whether SIGKILL has ended it."""
        return self.process is not None and self.process.returncode == -signal.SIGKILL

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), PATIENCE)
