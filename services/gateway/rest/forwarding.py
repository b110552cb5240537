"""One request through to the cluster and back, in the caller's name: what he may is decided here, and the cluster is
told that it was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from aiohttp import ClientResponse, web

from libs.shared.errors import Busy, Denied, Unsupported
from libs.shared.kube.client import Kube
from libs.shared.kube.wire import Ask
from services.gateway.domain.caller import reserved
from services.gateway.domain.granting import guarded, of_rights
from services.gateway.domain.headers import asked_on
from services.gateway.rest.admission import traced
from services.gateway.rest.freshness import listed
from services.gateway.rest.guarding import REFUSED, hold, write
from services.gateway.rest.passing import answered, broken_off
from services.gateway.rest.sockets import bridge, is_upgrade, protocols_of
from services.gateway.rest.uploading import uploaded
from services.gateway.rest.visit import Visit

DECIDED: Final = "orrery:decided"
"""The group that a cluster knows our decisions by: bound there to what the platform may do."""
IMPERSONATING: Final = "impersonate-"
MADE: Final = 201
LARGEST_MADE: Final = 256 << 10
"""Bytes of an object that was made, up to which its name is looked up."""


async def forward(asked: Visit) -> web.StreamResponse:
    """Forward a request that may pass. Raises `Denied` for one that would speak for somebody else, `Unsupported` for an
    upgrade that isn't passed on, `TooLarge`, and `Busy` when the cluster can't be reached.
    """
    _refuse_impersonation(asked)
    if is_upgrade(asked.request):
        if asked.request.method != "GET":
            raise Unsupported("upgrade", "a WebSocket begins with GET")
        protocols = protocols_of(asked.request)
        return await bridge(asked, {}, speaker(asked).socket(_ask(asked), protocols))
    if guarded(asked.asked):
        return await write(asked, speaker(asked), _ask(asked))
    upload = uploaded(asked)
    small = await upload.body(asked) if upload else None
    body = small if upload is None or small is not None else upload()
    try:
        async with speaker(asked).forwarded(replace(_ask(asked), body=body)) as answer:
            if answer.status < REFUSED:
                await listed(asked, small)
            if answer.status == MADE and not asked.asked.name:
                return await _made(asked, answer)
            if of_rights(asked.asked) and asked.asked.verb == "delete" and answer.status < REFUSED:
                await hold(asked, None)
            return await answered(asked, answer, {})
    except Busy as fault:
        return broken_off(asked, upload, fault)


def speaker(asked: Visit) -> Kube:
    """The cluster, acting for the caller. Groups that mean something to a cluster are not handed on: an account may be
    put into any.
    """
    groups = [group for group in asked.caller.groups if not reserved(group) and group.isascii()]
    return asked.parts.behind.cluster.as_user(asked.caller.user, (*groups, DECIDED))


def _ask(asked: Visit) -> Ask:
    """The request without its body."""
    lasts = asked.route.streams
    return Ask(
        asked.request.method,
        asked.target,
        (*asked_on(asked.request.headers.items()), *traced()),
        seconds=None if lasts else asked.parts.settings.timeout,
        head=None if lasts else asked.parts.settings.timeout,
    )


def _refuse_impersonation(asked: Visit) -> None:
    """Whoever asks to be taken for another must not be answered as himself. Raises `Denied`."""
    if any(name.lower().startswith(IMPERSONATING) for name in asked.request.headers):
        raise Denied("impersonation", "nobody speaks for somebody else here: leave the Impersonate- headers out")


class _Kept:
    """The beginning of what was made, up to its bound: the record holds the name that it was given."""

    def __init__(self) -> None:
        self.body = b""

    def note(self, chunk: bytes) -> None:
        """It has been sent on."""
        if len(self.body) <= LARGEST_MADE:
            self.body += chunk


async def _made(asked: Visit, answer: ClientResponse) -> web.StreamResponse:
    kept = _Kept()
    response = await answered(asked, answer, {}, kept)
    asked.making = kept.body if answer.content_type.endswith("json") else asked.making
    return response
