"""Places where a test may make the process die or fail: named, counted, and empty unless a setting allows them."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from libs.shared.errors import Broken, Malformed


@dataclass(frozen=True, slots=True)
class Action:
    """What happens when a failpoint is hit for the `nth` time: `kill` (SIGKILL to ourselves) or `fail` (raises)."""

    what: str
    nth: int = 1


@dataclass(frozen=True, slots=True)
class Failpoints:
    """The plan, and how often each point was hit. Handed down like any collaborator."""

    plan: Mapping[str, Action] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)

    def hit(self, name: str) -> None:
        """Pass the point of this name, or don't."""
        action = self.plan.get(name)
        if action is None:
            return
        self.hits[name] += 1
        if self.hits[name] != action.nth:
            return
        if action.what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise Broken("failpoint", f"failpoint {name} was told to fail")


def parsed(text: str) -> Failpoints:
    """The plan of `name=kill@3,other=fail`; raises `Malformed`."""
    plan = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, rest = part.partition("=")
        what, _, nth = rest.partition("@")
        if what not in ("kill", "fail") or not (nth or "1").isdigit():
            raise Malformed("failpoint", f"{part!r} is no failpoint: name=kill or name=fail, @N for the Nth time")
        plan[name] = Action(what, int(nth or "1"))
    return Failpoints(plan)
