"""What an absent user may see, asked of the gateway and believed for a moment."""

from __future__ import annotations

from typing import Final

from libs.shared.errors import Busy, Fault, Missing
from libs.shared.http.calls import Calls
from libs.shared.values import Clock
from services.events.domain.sight import Viewer

SIGHTS: Final = "/internal/gateway/v1/sights"
EVERYTHING: Final = {"verb": "list", "resource": "events", "group": "events.orrery.io", "scope": "Global"}
ENDED: Final = "no-user"
"""Slug of the gateway's answer about an account that is disabled or gone."""
FRESH: Final = 1.0
"""Seconds that an answer is believed: as long as a revocation may take."""
MOST: Final = 10_000


class GatewaySights:
    """Asks once a second for each user at most."""

    def __init__(self, calls: Calls, clock: Clock) -> None:
        self._calls, self._clock = calls, clock
        self._known: dict[str, tuple[float, Viewer | None]] = {}

    async def of(self, user: str) -> Viewer | None:
        """As of now, or None for an account that is disabled or gone. Raises `Busy` when nobody can tell."""
        at, viewer = self._known.get(user, (-FRESH, None))
        now = self._clock.monotonic()
        if now - at < FRESH and user in self._known:
            return viewer
        viewer = await self._asked(user)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[user] = (now, viewer)
        return viewer

    async def _asked(self, user: str) -> Viewer | None:
        since = self._clock()
        body = {"user": user, "may": [EVERYTHING], "mine": [{"of": "workspaces"}]}
        try:
            answer = await self._calls.ask("gateway", "POST", SIGHTS, json=body)
        except Missing as fault:
            if fault.slug != ENDED:  # a gateway that doesn't know the question says nothing of the account
                raise Busy("sights", "the gateway can't say now what absent users see", retry_after=1) from fault
            return None
        except Fault as fault:
            raise Busy("sights", "the gateway can't say now what absent users see", retry_after=1) from fault
        everything = answer["may"][0] is True
        spaces = frozenset() if everything else frozenset(answer["mine"][0])
        return Viewer(user, frozenset(), "", since, everything, spaces)
