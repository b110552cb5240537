"""What the caller may see, by the gateway's answers; and faults as these routes word them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any

from aiohttp import web

from libs.shared.errors import Invalid
from libs.shared.http.answers import answer, may
from libs.shared.http.faults import plain
from libs.shared.http.route import Handler, May, Mine
from services.logging.domain.space import Names, Space, own
from services.logging.parts import Parts

EVERYTHING, NAMESPACES, WORKSPACES = "everything", "namespaces", "workspaces"
CHUNK = 500
"""Questions that are asked of the gateway at once."""
MINE = (Mine(NAMESPACES, of="namespaces"), Mine(WORKSPACES, of="workspaces"))

Served = Callable[[web.Request, Parts], Awaitable[web.StreamResponse]]


def in_plain_words(handler: Served) -> Handler:
    """What is wrong with a query is 500 and its text here, as the original has it (observability 3.1)."""

    @wraps(handler)
    async def handle(request: web.Request, parts: Any) -> web.StreamResponse:
        try:
            return await handler(request, parts)
        except Invalid as fault:
            return plain(fault.text, HTTPStatus.INTERNAL_SERVER_ERROR)

    return handle


async def sees_everything(request: web.Request) -> bool:
    """Whether the caller may do the route's own in the whole cluster."""
    return await answer(request, EVERYTHING) is True


async def spaces_of(request: web.Request, parts: Parts, names: Names, asked: May, *, everything: bool) -> list[Space]:
    """The namespaces that are asked for and in which the caller may do this."""
    wanted = [space for space in parts.spaces.all() if names.fits(space)]
    if everything:
        return wanted
    found = own(wanted, await answer(request, NAMESPACES), await answer(request, WORKSPACES))
    questions = [May("", asked.verb, asked.resource, asked.group, "Namespace", "", space.name) for space in found]
    return [space for space, allowed in zip(found, await every(request, questions), strict=True) if allowed]


async def workspaces_of(request: web.Request, known: Sequence[str], asked: May, *, everything: bool) -> list[str]:
    """Of these workspaces those in which the caller may do this."""
    if everything:
        return list(known)
    mine = frozenset(await answer(request, WORKSPACES))
    found = [name for name in known if name in mine]
    questions = [May("", asked.verb, asked.resource, asked.group, "Workspace", name) for name in found]
    return [name for name, allowed in zip(found, await every(request, questions), strict=True) if allowed]


async def every(request: web.Request, questions: Sequence[May]) -> list[bool]:
    """The answers to all of these, some at a time."""
    found: list[bool] = []
    for at in range(0, len(questions), CHUNK):
        found += await may(request, questions[at : at + CHUNK])
    return found
