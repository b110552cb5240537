"""What an absent user may see, asked of the gateway."""

from __future__ import annotations

from typing import Final

from libs.shared.errors import Busy, Fault, Missing
from libs.shared.http.calls import Calls

SIGHTS: Final = "/internal/gateway/v1/sights"
ENDED: Final = "no-user"
"""Slug of the gateway's answer about an account that is disabled or gone."""


class GatewaySights:
    """Asks each time: a tenant who has lost a namespace hears no more of it from that moment on."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def sees(self, user: str, namespace: str) -> bool:
        """Whether he may list the alerts of a namespace. Raises `Busy` when nobody can tell."""
        asked = {
            "verb": "list",
            "resource": "alerts",
            "group": "alerting.kubesphere.io",
            "scope": "Namespace",
            "namespace": namespace,
        }
        try:
            answer = await self._calls.ask("gateway", "POST", SIGHTS, json={"user": user, "may": [asked], "mine": []})
        except Missing as fault:
            if fault.slug != ENDED:  # a gateway that doesn't know the question says nothing of the account
                raise Busy("sights", "the gateway can't say now what absent users see", retry_after=1) from fault
            return False
        except Fault as fault:
            raise Busy("sights", "the gateway can't say now what absent users see", retry_after=1) from fault
        return bool(answer["may"][0] is True)
