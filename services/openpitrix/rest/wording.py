"""What the store's routes have in common: paths, who asks, and lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from aiohttp import web

from libs.shared.errors import Denied
from libs.shared.http.answers import answer
from libs.shared.http.identity import ANONYMOUS, caller
from libs.shared.http.listing import last
from libs.shared.http.reading import lenient_object, raw_body
from libs.shared.http.route import May, Mine, Question
from services.openpitrix.domain.sight import Sight
from services.openpitrix.shapes import listing
from services.openpitrix.shapes.listing import Asked

T = TypeVar("T")
V1: Final = "/kapis/openpitrix.io/v1"
IN_WORKSPACE: Final = V1 + "/workspaces/{workspace}"
GROUP: Final = "openpitrix.io"
SUCCESS: Final[Mapping[str, str]] = {"message": "success"}
ALL: Final = May("store.all", "list", "reviews", GROUP, "Cluster")
"""Who reviews for the platform sees every workspace's apps."""
SEEN: Final[tuple[Question, ...]] = (ALL, Mine("store.workspaces", of="workspaces"))


async def sight(request: web.Request) -> Sight:
    """What the caller sees here: within a workspace's path that workspace, elsewhere what all his workspaces see. The
    gateway lets nobody in particular look at the store, by the role that he has; a workspace is no part of it: raises
    `Denied`.
    """
    workspace, user = request.match_info.get("workspace"), caller(request).user
    if workspace is not None:
        if user == ANONYMOUS:
            raise Denied("store-workspace", f'User "{user}" sees nothing of the workspace "{workspace}"')
        return Sight(frozenset({workspace}))
    if user == ANONYMOUS:
        return Sight(known=False)
    if await answer(request, ALL.name) is True:
        return Sight(everything=True)
    return Sight(frozenset(await answer(request, "store.workspaces")))


def asked(request: web.Request) -> Asked:
    """The list that is asked for; raises `Malformed`."""
    return listing.asked(last(request.query.items()))


def listed(found: Sequence[T], how: Asked, shown: Callable[[T], Mapping[str, Any]]) -> web.Response:
    """One page of these."""
    items, total = listing.page(found, how)
    return web.json_response(listing.answer([shown(one) for one in items], total))


async def optional_object(request: web.Request) -> dict[str, Any]:
    """The JSON body; an empty one for none."""
    return await lenient_object(request) if await raw_body(request) else {}
