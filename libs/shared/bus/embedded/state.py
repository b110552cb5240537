"""What a group has had: the durable part of it, as one row of the log's file."""

from __future__ import annotations

import orjson

from libs.shared.errors import Broken


class State:
    """What the group has had: all of its types up to `floor`, and the positions in `done` above. `attempts` counts
    deliveries of what is still open, for what was handed out more than once.
    """

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self.done: set[int] = set()
        self.attempts: dict[int, int] = {}
        self.lost = 0

    @classmethod
    def parsed(cls, text: str) -> State:
        """From `text()`; raises `Broken`."""
        try:
            fields = orjson.loads(text)
            state = cls(int(fields["floor"]))
            state.done = set(fields["done"])
            state.attempts = {int(position): int(n) for position, n in fields["attempts"].items()}
            state.lost = int(fields["lost"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise Broken("bus-corrupt", f"the cursor of a group can't be read: {text[:80]!r}") from error
        return state

    def text(self) -> str:
        """For the log."""
        attempts = {str(position): n for position, n in self.attempts.items()}
        fields = {"floor": self.floor, "done": sorted(self.done), "attempts": attempts, "lost": self.lost}
        return orjson.dumps(fields).decode()
