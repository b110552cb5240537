"""Webhooks and Slack: one POST each, through guarded egress, never following a redirect."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import orjson

from libs.shared.egress.client import Ask, Egress, Reply
from libs.shared.errors import Broken, Busy, Fault, Missing
from libs.shared.values import Secret
from services.notification.domain.notice import Failure

LARGEST_ANSWER: Final = 64 << 10
JSON: Final = "application/json"
AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
REDIRECTED: Final = frozenset({"egress-hops", "egress-redirect", "egress-downgrade"})
"""Slugs of a receiver that says it is elsewhere: where a user has not said so, nothing is sent."""
SLACK_AGAIN: Final = frozenset({"ratelimited", "rate_limited", "internal_error", "service_unavailable", "fatal_error"})


@dataclass(frozen=True, slots=True)
class Access:
    """How a webhook wants to be spoken to."""

    user: str = ""
    password: Secret | None = None
    bearer: Secret | None = None
    authority: str = ""
    """PEM certificates that its certificate is verified against; the machine's when empty."""
    unverified: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


async def post_webhook(egress: Egress, url: str, body: bytes, access: Access, seconds: float) -> int | Failure:
    """The status of 2xx, or how it failed."""
    try:
        tls = _trust(access)
    except (ssl.SSLError, ValueError):
        return Failure("the receiver's rootCA holds no PEM certificates", last=True)
    headers = {"Content-Type": JSON, **access.headers, **_authorization(access)}
    reply = await _posted(egress, Ask("POST", url, headers, body, seconds, LARGEST_ANSWER, 0, tls))
    return reply if isinstance(reply, Failure) else reply.status


async def post_slack(egress: Egress, url: str, body: bytes, token: Secret, seconds: float) -> int | Failure:
    """As for a webhook; Slack says with 200 that it will not take a message."""
    headers = {"Content-Type": f"{JSON}; charset=utf-8", "Authorization": f"Bearer {token.reveal()}"}
    reply = await _posted(egress, Ask("POST", url, headers, body, seconds, LARGEST_ANSWER, 0))
    if isinstance(reply, Failure):
        return reply
    try:
        answer: Any = orjson.loads(reply.body)
    except ValueError:
        return Failure("Slack answered what is no JSON", reply.status)
    if isinstance(answer, dict) and answer.get("ok") is True:
        return reply.status
    why = str(answer.get("error", ""))[:80] if isinstance(answer, dict) else ""
    return Failure(f"Slack refused the message: {why}", reply.status, last=why not in SLACK_AGAIN)


async def _posted(egress: Egress, ask: Ask) -> Reply | Failure:
    try:
        reply = await egress.fetch(ask)
    except (Busy, Broken, Missing) as fault:
        return Failure(fault.text, last=fault.slug in REDIRECTED)
    except Fault as fault:
        return Failure(fault.text, last=True)
    if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        return reply
    wait = reply.headers.get("Retry-After", "")
    final = reply.status < HTTPStatus.INTERNAL_SERVER_ERROR and reply.status not in AGAIN
    after = float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else 0  # noqa: PLR2004  # a day or so
    return Failure(f"the receiver answered {reply.status}", reply.status, after, last=final)


def _authorization(access: Access) -> dict[str, str]:
    if access.bearer is not None:
        return {"Authorization": f"Bearer {access.bearer.reveal()}"}
    if access.password is not None:
        pair = f"{access.user}:{access.password.reveal()}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def _trust(access: Access) -> ssl.SSLContext | None:
    if not access.unverified and not access.authority:
        return None
    context = ssl.create_default_context(cadata=access.authority or None)
    if access.unverified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
