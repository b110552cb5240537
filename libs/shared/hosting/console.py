"""What a person at the terminal sees: progress while starting, then where it answers and what to paste next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

BOLD, DIM, GREEN, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[0m"


class Console:
    """Plain lines; on a terminal with a little colour."""

    def __init__(self, stream: TextIO, *, coloured: bool | None = None) -> None:
        self._stream = stream
        self._coloured = stream.isatty() if coloured is None else coloured

    def say(self, text: str = "", style: str = "") -> None:
        """One line, at once."""
        self._stream.write(f"{style}{text}{PLAIN}\n" if style and self._coloured else f"{text}\n")
        self._stream.flush()

    def starting(self, services: Sequence[str], data: str) -> None:
        """What is about to run."""
        self.say(f"Starting {', '.join(services)} on {data}", DIM)

    def opened(self, service: str, seconds: float) -> None:
        """One service stands."""
        self.say(f"  {service:<14} {seconds:5.2f} s", DIM)

    def answering(self, addresses: Sequence[str], seconds: float, authority: str = "") -> None:
        """Where clients may knock."""
        self.say(f"Orrery answers at {' and '.join(addresses)} ({seconds:.2f} s)", BOLD + GREEN)
        if authority:
            self.say(f"  certificate authority: {authority}", DIM)

    def complete(self, seconds: float) -> None:
        """Every service stands."""
        self.say(f"Every service stands ({seconds:.2f} s)", DIM)

    def password(self, password: str) -> None:
        """Shown once."""
        self.say(f"  user: admin   password: {password}   (shown this once)", BOLD)

    def next(self, base: str, password: str) -> None:
        """The next three commands worth pasting."""
        secret = f"password='{password}'" if password else "password=YOUR-PASSWORD"
        users = "/kapis/iam.kubesphere.io/v1alpha2/users"
        self.say("Next, in another shell:", DIM)
        self.say(
            f"  TOKEN=$(curl -sS {base}/oauth/token -d grant_type=password -d client_id=kubesphere"
            f" -d client_secret=kubesphere -d username=admin --data-urlencode {secret}"
            """ | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')"""
        )
        self.say(f'  curl -sS {base}{users} -H "Authorization: Bearer $TOKEN"')
        self.say(f'  curl -sS "{base}/kapis/events.orrery.io/v1/events?after=0" -H "Authorization: Bearer $TOKEN"')
        self.say("Ctrl-C ends it.", DIM)

    def ending(self) -> None:
        """The signal was heard."""
        self.say("Ending: requests that run may finish", DIM)
