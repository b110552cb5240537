"""Nobody hands on more than he has: looked at before a role is made, changed or bound (KubeSphere doesn't, spec 13)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aiohttp import web

from libs.shared.contracts.accounts_v1 import Rule
from libs.shared.errors import Denied
from libs.shared.http.answers import holds
from libs.shared.http.identity import caller
from services.accounts.parts import EVERYTHING, Parts
from services.accounts.queries import rights
from services.accounts.shapes.role import rule

CHUNK = 500
"""Rules that are asked about at once."""


async def vet(request: web.Request, rules: Sequence[Rule], *, workspace: str = "", what: str) -> None:
    """Raise `Denied` unless the caller holds all of these rules himself, in the workspace or (empty) the platform."""
    if not await _held(request, rules, workspace):
        raise Denied("escalation", f'User "{caller(request).user}" may not grant {what}: it allows more than they hold')


async def vet_person(request: web.Request, name: str, parts: Parts) -> None:
    """Raise `Denied` where another user is allowed more on the platform than the caller: who could change him, set his
    password or remove him would else come by his rights.
    """
    who = caller(request).user
    if name != who and not await _held(request, await rights.everywhere(parts.store, name), ""):
        raise Denied("escalation", f'User "{who}" may not change user "{name}", who is allowed more than they hold')


async def vet_groups(request: web.Request, groups: Iterable[str], parts: Parts) -> None:
    """Raise `Denied` unless the caller holds all that these groups are allowed, in each workspace."""
    for workspace, rules in (await rights.of_groups(parts.store, groups)).items():
        await vet(request, rules, workspace=workspace, what="membership in these groups")


async def _held(request: web.Request, rules: Sequence[Rule], workspace: str) -> bool:
    if not rules or caller(request).answers.get(EVERYTHING.name) is True:
        return True
    for start in range(0, len(rules), CHUNK):
        if not await holds(request, workspace, [rule(one) for one in rules[start : start + CHUNK]]):
            return False
    return True
