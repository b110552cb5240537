"""Following the cluster into memory."""

from __future__ import annotations

from contextlib import aclosing

from libs.shared.errors import Fault
from libs.shared.kube.watch import What
from services.mesh.clients import istio
from services.mesh.parts import Parts

AGAIN = 30.0
"""Seconds after which a kind that the cluster does not have, or does not show us, is asked for again."""


async def follow(plural: str, parts: Parts) -> None:
    """List and watch a kind, for ever."""
    while True:
        try:
            await _follow_once(plural, parts)
        except Fault as fault:
            parts.journal.unfollowed(plural, fault)
        await parts.clock.sleep(AGAIN)


async def _follow_once(plural: str, parts: Parts) -> None:
    """One watch: it lasts until the cluster refuses it."""
    async with aclosing(istio.follow(parts.kube, plural)) as changes:
        async for change in changes:
            match change.type:
                case What.SYNCED:
                    parts.view.synced(plural)
                case What.DELETED:
                    parts.view.drop(plural, change.object)
                case _:
                    parts.view.take(plural, change.object)
