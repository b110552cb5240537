"""A pod's log over HTTP, as the API server answers `/api/v1/namespaces/<namespace>/pods/<pod>/log`."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any, Final

from aiohttp import web

from libs.sandbox.controllers.meta import Seen, name_of, space_of
from libs.sandbox.nodes import boxes, logs
from libs.sandbox.nodes.logs import Reading, Run
from libs.sandbox.objects import Objects
from libs.shared.errors import Malformed
from libs.shared.objects.meta import moment

_PIECE: Final = 16 << 10
"""Bytes that are sent at once."""
_TRUE: Final = ("true", "1", "")
_MOST: Final = 1 << 53


class PodLogs:
    """Reads logs of simulated containers."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def __call__(self, request: web.BaseRequest, pod: dict[str, Any]) -> web.StreamResponse:
        """The log of one container as text; raises `Malformed` for a container that isn't there or hasn't begun."""
        query = request.query
        container = chosen(pod, query.get("container", ""))
        run = boxes.run_of(pod, container, previous=_flag(query, "previous"))
        if run is None:
            raise _unbegun(pod, container, previous=_flag(query, "previous"))
        wanted = reading(query, self._objects.clock().timestamp())
        follows = _flag(query, "follow") and not _flag(query, "previous")
        lines = self._following(pod, container, run, wanted) if follows else self._whole(run, wanted)
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        with suppress(ConnectionError):  # the reader has left
            await response.prepare(request)
            async with aclosing(lines):
                async for piece in lines:
                    await response.write(piece)
            await response.write_eof()
        return response

    async def _whole(self, run: Run, wanted: Reading) -> AsyncGenerator[bytes, None]:
        piece = bytearray()
        for line in logs.read(run, wanted, self._objects.clock().timestamp()):
            piece += line
            if len(piece) >= _PIECE:
                yield bytes(piece)
                piece.clear()
        if piece:
            yield bytes(piece)

    def _following(self, pod: Seen, container: str, run: Run, wanted: Reading) -> AsyncGenerator[bytes, None]:
        async def standing() -> Run | None:
            found = self._objects.find("pods", name_of(pod), space_of(pod))
            if found is None or found["metadata"]["uid"] != pod["metadata"]["uid"]:
                return None
            both = (boxes.run_of(found, container), boxes.run_of(found, container, previous=True))
            return next((each for each in both if each is not None and each.started == run.started), None)

        return logs.follow(run, wanted, self._objects.clock, standing)


def chosen(pod: Seen, asked: str) -> str:
    """The container that is meant: the only one where none is named; raises `Malformed`."""
    names = boxes.containers(pod)
    own = [str(each["name"]) for each in pod["spec"].get("containers") or ()]
    if asked and asked in names:
        return asked
    if asked:
        raise Malformed("container-unknown", f"container {asked[:63]} is not valid for pod {name_of(pod)}")
    if len(own) == 1:
        return own[0]
    text = f"a container name must be specified for pod {name_of(pod)}, choose one of: [{' '.join(own)}]"
    raise Malformed("container-unnamed", text)


def _unbegun(pod: Seen, container: str, *, previous: bool) -> Malformed:
    if previous:
        text = f'previous terminated container "{container}" in pod "{name_of(pod)}" not found'
        return Malformed("container-no-previous", text)
    status = next((each for each in boxes.statuses(pod) if each["name"] == container), {})
    reason = ((status.get("state") or {}).get("waiting") or {}).get("reason", "ContainerCreating")
    return Malformed(
        "container-waits", f'container "{container}" in pod "{name_of(pod)}" is waiting to start: {reason}'
    )


def reading(query: Mapping[str, str], now: float) -> Reading:
    """What of the log is asked for; raises `Malformed` for a number or a time that is none."""
    tail, limit = _number(query, "tailLines", 0), _number(query, "limitBytes", 1)
    since = _number(query, "sinceSeconds", 1)
    begin = now - since if since is not None else -math.inf
    if text := query.get("sinceTime", ""):
        found = moment(text)
        if found is None:
            raise Malformed("log-options", f"sinceTime: {text[:40]!r} is no time such as 2026-01-01T00:00:00Z")
        begin = found.timestamp()
    return Reading(begin, tail, limit, timestamps=_flag(query, "timestamps"))


def _flag(query: Mapping[str, str], name: str) -> bool:
    return name in query and query[name].lower() in _TRUE


def _number(query: Mapping[str, str], name: str, least: int) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and least <= int(text[:20]) <= _MOST):
        raise Malformed("log-options", f"{name}: {text[:40]!r} is no whole number from {least} on")
    return int(text)
