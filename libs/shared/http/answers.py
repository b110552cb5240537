"""Answers that only the gateway has: those too large for the identity, and what turns up while a request is handled.

Asked at the gateway's internal route on the caller's behalf, by handing his identity back (it lives 30 s: ask early).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from aiohttp import web

from libs.shared.errors import Broken, Busy, TooLarge, Unauthenticated
from libs.shared.http.client import Upstreams
from libs.shared.http.identity import ASK, HEADER, caller
from libs.shared.http.reading import ROUTE
from libs.shared.http.route import MIB, May, Mine, Where

GATEWAY: Final = "gateway"
REVIEWS: Final = "/internal/gateway/v1/reviews"
LARGEST: Final = 8 * MIB
SECONDS: Final = 5.0
UPSTREAMS: Final = web.AppKey("orrery.upstreams", Upstreams)
"""Where hosting puts the way to the gateway, in each service's application."""


async def answer(request: web.Request, name: str) -> Any:
    """The answer to the route's question of this name: from the identity, or fetched when it is too large for one.

    A bool for `May`, a list of names for `Mine`, True or a list of names for `Where`. Raises `Broken` when the route
    asks no such question, `Busy` when the gateway can't be asked, `Unauthenticated` when the identity has expired.
    """
    known = caller(request).answers.get(name)
    if known is not None and known != ASK:
        return known
    question = next((asked for asked in request[ROUTE].questions if asked.name == name), None)
    if question is None:
        raise Broken("question-unknown", f"the route {request[ROUTE].path} asks no question {name}")
    if isinstance(question, Mine):
        return (await review(request, {"mine": [{"of": question.of}]}))["mine"][0]
    if isinstance(question, Where):
        return await where(request, question)
    return (await review(request, {"may": [_wire(question, request.match_info)]}))["may"][0]


async def where(request: web.Request, asked: Where) -> bool | list[str]:
    """The namespaces in which the caller may do this; True for the whole cluster."""
    wire = {"verb": asked.verb, "resource": asked.resource, "group": asked.group}
    found: bool | list[str] = (await review(request, {"where": [wire]}))["where"][0]
    return found


async def may(request: web.Request, asked: Sequence[May]) -> tuple[bool, ...]:
    """Whether the caller may do each of these."""
    if not asked:
        return ()
    found = await review(request, {"may": [_wire(question, request.match_info) for question in asked]})
    return tuple(found["may"])


async def holds(
    request: web.Request, workspace: str, rules: Sequence[Mapping[str, Any]], *, namespace: str = "", scope: str = ""
) -> bool:
    """Whether the caller holds all of these PolicyRules himself, where he would hand them on: in a namespace, in a
    workspace, in what `scope` says (`Cluster`), or by default in the platform. Nobody hands on more than he has.
    """
    place = {key: value for key, value in (("namespace", namespace), ("scope", scope)) if value}
    found = await review(request, {"holds": [{"workspace": workspace, **place, "rules": list(rules)}]})
    return bool(found["holds"][0])


async def review(request: web.Request, asked: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Ask the gateway as its wire says: `may`, `mine`, `where`, `holds` -> the same keys, answered in their order."""
    upstreams = request.app[UPSTREAMS]
    headers = {HEADER: request.headers.get(HEADER, ""), "Content-Type": "application/json"}
    async with upstreams.request(
        GATEWAY, "POST", REVIEWS, headers=headers, data=orjson.dumps(asked), seconds=SECONDS
    ) as reply:
        raw = await _bounded(reply.content)
        if reply.status == web.HTTPUnauthorized.status_code:
            raise Unauthenticated("identity-expired", "the caller's identity has expired while he was served")
        if reply.status != web.HTTPOk.status_code:
            raise Busy("gateway-unwilling", f"the gateway answered {reply.status} to a question", retry_after=1)
    return _checked(raw, asked)


async def _bounded(content: Any) -> bytes:
    parts, size = [], 0
    async for part in content.iter_chunked(64 << 10):
        size += len(part)
        if size > LARGEST:
            raise TooLarge("answer-too-large", f"the gateway's answer is larger than {LARGEST} bytes")
        parts.append(part)
    return b"".join(parts)


def _checked(raw: bytes, asked: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    try:
        found: dict[str, list[Any]] = orjson.loads(raw)
        short = [key for key, questions in asked.items() if len(found[key]) != len(questions)]
    except (ValueError, KeyError, TypeError):
        raise Broken("gateway-answer", "the gateway's answer to a question can't be read") from None
    if short:
        raise Broken("gateway-answer", f"the gateway left questions unanswered: {', '.join(short)}")
    return found


def _wire(question: May, parameters: Mapping[str, str]) -> dict[str, str]:
    """The question without its own name; `{workspace}` and the like are filled from the route's parameters."""
    return {
        "verb": question.verb,
        "resource": question.resource,
        "group": question.group,
        "scope": question.scope,
        "workspace": _filled(question.workspace, parameters),
        "namespace": _filled(question.namespace, parameters),
    }


def _filled(template: str, parameters: Mapping[str, str]) -> str:
    """Only a template that is wholly one parameter is filled: a value never is a template of another."""
    if template.startswith("{") and template.endswith("}"):
        return parameters.get(template[1:-1], template)
    return template
