"""Nobody hands on more than he has: looked at before a role is made, changed or bound (KubeSphere doesn't, spec 13)."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from libs.shared.contracts.accounts_v1 import Rule
from libs.shared.errors import Denied
from libs.shared.http.answers import holds
from libs.shared.http.identity import caller
from services.accounts.parts import EVERYTHING
from services.accounts.shapes.role import rule

CHUNK = 500
"""Rules that are asked about at once."""


async def vet(request: web.Request, rules: Sequence[Rule], *, workspace: str = "", what: str) -> None:
    """Raise `Denied` unless the caller holds all of these rules himself, in the workspace or (empty) the platform."""
    if not rules or caller(request).answers.get(EVERYTHING.name) is True:
        return
    for start in range(0, len(rules), CHUNK):
        if not await holds(request, workspace, [rule(one) for one in rules[start : start + CHUNK]]):
            raise Denied(
                "escalation", f'User "{caller(request).user}" may not grant {what}: it allows more than they hold'
            )
