"""Writes by which one could give away what one has not: what a write would leave is drawn up by the cluster first (a
dry run), looked at, and exactly that is written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import orjson
from aiohttp import web
from multidict import CIMultiDict

from libs.shared.errors import Broken, Denied, Stale, Unsupported
from libs.shared.kube.client import Kube
from libs.shared.kube.wire import Ask, whole
from libs.shared.objects.documents import read_json
from services.gateway.domain import granting
from services.gateway.domain.decision import allowed
from services.gateway.domain.headers import answered_on
from services.gateway.domain.holding import holds
from services.gateway.rest.uploading import uploaded
from services.gateway.rest.visit import Visit

TRIES: Final = 4
"""How often a write is drawn up anew because the object was changed by somebody else meanwhile."""
LARGEST: Final = 4 << 20
PIECE: Final = 256 << 10
MADE, REFUSED, STALE = 201, 400, 409
JSON: Final = "application/json"
APPLY: Final = "application/apply-patch+yaml"
OF_THE_CLUSTER: Final = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")
"""What a cluster says itself of a new object."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the cluster, whole."""

    status: int
    headers: CIMultiDict[str]
    body: bytes

    def object(self) -> dict[str, Any]:
        """The object that it holds; raises `Broken`."""
        try:
            found = orjson.loads(self.body)
            found["metadata"]["name"]  # every object has one
        except (ValueError, KeyError, TypeError):
            raise Broken("cluster-nonsense", "the cluster answered a write with what is no object") from None
        return dict(found)

    def response(self) -> web.Response:
        """As it came."""
        return web.Response(status=self.status, headers=self.headers, body=self.body)


async def write(asked: Visit, kube: Kube, ask: Ask) -> web.StreamResponse:
    """Make, change or replace a role, a binding or a namespace, as far as the caller may. `ask` has no body yet.

    Raises `Denied` where he would give away what he has not, and `Stale` when others change the object all the time.
    """
    upload = uploaded(asked)
    body = await upload.whole() if upload is not None else b""
    for _ in range(TRIES):
        drawn = await _reply(kube, _drawing(ask, body))
        if drawn.status >= REFUSED:
            return drawn.response()
        left = drawn.object()
        await _require(asked, kube, left)
        if _dry(asked.query):
            return (await _reply(kube, replace(ask, body=body))).response()
        reply = await _reply(kube, _writing(ask, body, drawn.status, left))
        if reply.status != STALE or drawn.status == MADE:
            return await _told(asked, reply, left)
    raise Stale("changed-meanwhile", "the object is changed by others all the time; try again")


async def hold(asked: Visit, left: dict[str, Any] | None) -> None:
    """Wait until the index says what stands now, so that the caller's next request is decided by it."""
    memory, settings = asked.parts.memory, asked.parts.settings
    seen = await memory.looks.until(granting.known(asked.asked, left), memory.index, settings.hold)
    asked.parts.journal.held.labels("yes" if seen else "no").inc()


async def _told(asked: Visit, reply: Reply, left: dict[str, Any]) -> web.Response:
    if reply.status < REFUSED:
        asked.asked = replace(asked.asked, name=left["metadata"]["name"])
        await hold(asked, left)
    return reply.response()


async def _reply(kube: Kube, ask: Ask) -> Reply:
    large = isinstance(ask.body, bytes) and len(ask.body) > PIECE
    async with kube.forwarded(replace(ask, body=_pieces(ask.body)) if large else ask) as answer:
        body = await whole(answer, LARGEST)
        headers = CIMultiDict(answered_on(answer.headers.items()))
    headers.popall("Content-Length", None)
    return Reply(answer.status, headers, body)


async def _pieces(body: Any) -> AsyncIterator[bytes]:
    """A large body in pieces, between which others get to run."""
    for begin in range(0, len(body), PIECE):
        yield body[begin : begin + PIECE]


def _drawing(ask: Ask, body: bytes) -> Ask:
    """The request as a dry run, answered by the plain object."""
    path, _, query = ask.target.partition("?")
    pairs = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "dryRun"]
    headers = _without(ask, "Accept", "Accept-Encoding")
    target = f"{path}?{urlencode([*pairs, ('dryRun', 'All')])}"
    return replace(ask, target=target, headers=(*headers, ("Accept", JSON)), body=body)


def _writing(ask: Ask, body: bytes, status: int, left: dict[str, Any]) -> Ask:
    """The write of exactly what was drawn up. An applied object is applied again, to the version that it was drawn up
    from: nobody else would own its fields.
    """
    about = left["metadata"]
    if _media(ask) == APPLY:
        headers = _without(ask, "Content-Length")
        return replace(ask, headers=headers, body=body if status == MADE else _applied(body, about["resourceVersion"]))
    headers = (*_without(ask, "Content-Type", "Content-Length", "Content-Encoding"), ("Content-Type", JSON))
    if ask.method == "POST":
        kept = {name: value for name, value in about.items() if name not in OF_THE_CLUSTER}
        return replace(ask, headers=headers, body=orjson.dumps({**left, "metadata": kept}))
    kept = {name: value for name, value in about.items() if name != "managedFields"}
    return replace(ask, method="PUT", headers=headers, body=orjson.dumps({**left, "metadata": kept}))


def _applied(body: bytes, version: str) -> bytes:
    """The same configuration, for this version alone. Raises `Unsupported` for YAML that is no JSON."""
    if not body.lstrip().startswith(b"{"):
        raise Unsupported("apply-yaml", "roles, bindings and namespaces are applied in JSON here, not in YAML")
    wanted = read_json(body)
    wanted["metadata"] = {**(wanted.get("metadata") or {}), "resourceVersion": version}
    return orjson.dumps(wanted)


def _media(ask: Ask) -> str:
    found = next((value for name, value in ask.headers if name.lower() == "content-type"), "")
    return found.partition(";")[0].strip().lower()


def _without(ask: Ask, *names: str) -> tuple[tuple[str, str], ...]:
    dropped = {name.lower() for name in names}
    return tuple((name, value) for name, value in ask.headers if name.lower() not in dropped)


def _dry(query: str) -> bool:
    return any(name == "dryRun" for name, _ in parse_qsl(query, keep_blank_values=True))


async def _require(asked: Visit, kube: Kube, left: dict[str, Any]) -> None:
    """Return where the caller may leave this object; raises `Denied`."""
    if granting.of_namespace(asked.asked):
        await _require_workspaces(asked, kube, left)
        return
    index, reference = asked.parts.memory.believe(asked.parts.clock.monotonic()), None
    if asked.asked.resource in granting.BINDINGS:
        reference = granting.referred(left)
        if reference is None:
            raise Denied("escalation", "a binding names a role that is none of this cluster's")
    if allowed(index, asked.caller, granting.without_check(asked.asked, reference)):
        return
    rules = granting.given(left if reference is None else await kube.get(reference.path))
    if not holds(index, asked.caller, rules, asked.asked):
        raise _denied(asked, "it would grant permissions that the caller does not hold")


async def _require_workspaces(asked: Visit, kube: Kube, left: dict[str, Any]) -> None:
    """A namespace goes from one workspace into another only by who may remove it there and make it here."""
    before, after = await _before(asked, kube, left), granting.workspace_of(left)
    if before == after:
        return
    index = asked.parts.memory.believe(asked.parts.clock.monotonic())
    steps = [("create", after)] if before is None else [("delete", before), ("create", after)]
    for verb, workspace in steps:
        if not allowed(index, asked.caller, granting.in_workspace(verb, workspace)):
            place = f"workspace {workspace}" if workspace else "no workspace"
            raise _denied(asked, f"whose it is would change, and the caller may not {verb} namespaces of {place}")


async def _before(asked: Visit, kube: Kube, left: dict[str, Any]) -> str | None:
    """The namespace's workspace as it stood when `left` was drawn up; None for one that is to be made. Raises `Stale`
    when that was changed since.
    """
    version = left["metadata"].get("resourceVersion")
    if asked.asked.verb == "create" or not version:
        return None
    standing = await kube.get(f"/api/v1/namespaces/{asked.asked.name}")
    if standing["metadata"].get("resourceVersion") != version:
        raise Stale("changed-meanwhile", "the namespace was changed while this write was looked at; try again")
    return granting.workspace_of(standing)


def _denied(asked: Visit, text: str) -> Denied:
    return Denied("escalation", text, resource=asked.asked.resource, name=asked.asked.name)
