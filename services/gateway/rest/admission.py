"""Whether a request may pass, and what its service is told of the caller; asked again for what stays open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libs.shared.errors import Busy
from libs.shared.http.identity import Identity
from libs.shared.http.route import Access
from libs.shared.telemetry.traces import traceparent
from services.gateway.domain.decision import allowed, open_to_all
from services.gateway.domain.index import Index
from services.gateway.domain.shelf import ACCOUNTS
from services.gateway.parts import Parts
from services.gateway.queries.answers import answers
from services.gateway.queries.authentication import still_active
from services.gateway.rest.visit import Visit


def require_fresh(parts: Parts) -> None:
    """Return while the index can be believed; raises `Busy`."""
    parts.memory.sources.require(ACCOUNTS, parts.clock.monotonic())


def permitted(asked: Visit) -> bool:
    """Whether the caller may pass: by the path, by the route, or by his roles. Raises `Busy` while these can't be
    believed.
    """
    if _open(asked):
        return True
    require_fresh(asked.parts)
    asked.parts.memory.believe(asked.parts.clock.monotonic())
    return _passes(asked)


def _open(asked: Visit) -> bool:
    return open_to_all(asked.asked.path) or (asked.match is not None and asked.match.entry.access == Access.PUBLIC)


def _passes(asked: Visit) -> bool:
    if asked.match is not None and asked.match.entry.access == Access.SIGNED_IN:
        return asked.caller.signed_in
    return allowed(asked.parts.memory.index, asked.caller, asked.asked)


def told(asked: Visit) -> Mapping[str, Any]:
    """The answers to the route's questions. Raises `Busy` where one rests on a source that isn't believed."""
    return _told(asked, asked.parts.memory.believe(asked.parts.clock.monotonic()))


def _told(asked: Visit, index: Index) -> Mapping[str, Any]:
    if asked.match is None or not asked.match.entry.questions:
        return {}
    return answers(index, asked.caller, asked.match.entry.questions, asked.match.parameters)


def again(asked: Visit) -> Mapping[str, Any] | None:
    """The answers as of now, or None when the request would be refused now. The index decides, fresh or not: what
    rests on a lost source is cut by the worker that watches over it.
    """
    if not still_active(asked.caller, asked.parts.memory.index):
        return None
    try:
        if not (_open(asked) or _passes(asked)):
            return None
        return _told(asked, asked.parts.memory.index)
    except Busy:
        return None


def traced() -> list[tuple[str, str]]:
    """The running trace, as a header."""
    running = traceparent()
    return [("traceparent", running)] if running else []


def identity(asked: Visit, known: Mapping[str, Any]) -> Identity:
    """The caller as the service is told of him."""
    caller = asked.caller
    return Identity(
        user=caller.user,
        groups=caller.groups,
        issued=asked.parts.clock(),
        session=caller.session,
        extra=caller.extra,
        source_ip=asked.peer.address,
        user_agent=asked.peer.agent,
        request_id=asked.id,
        answers=known,
    )
