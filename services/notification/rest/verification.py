"""`/verification`: a message is really sent through a receiver that a client has in hand, and the answer tells how that
went, with 200 in any case (spec 6.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from libs.shared.errors import Denied, Fault, Invalid, Malformed
from libs.shared.http.faults import json_response
from libs.shared.http.identity import caller
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import Route
from services.notification.domain import alarm
from services.notification.domain import letter as letters
from services.notification.domain.config import config_for, has_server
from services.notification.domain.letter import Reason
from services.notification.domain.message import composed
from services.notification.domain.notice import Failure
from services.notification.domain.noun import TENANT, TYPE, USER
from services.notification.domain.object import Config, Kept, Receiver, make
from services.notification.domain.signal import Signal, Status, now_text
from services.notification.domain.target import SENT_BY
from services.notification.parts import Parts
from services.notification.parts.offices import Office, office_by, office_of
from services.notification.parts.posting import Post, post
from services.notification.rest.objects import NEW
from services.notification.shapes import object as shapes

DONE: Mapping[str, Any] = {"Status": 200, "Message": "Verify successfully"}
SENT = "verification/"


async def verify(request: web.Request, parts: Parts) -> web.Response:
    """Send a message by each channel of the receiver that is served; the first that fails says why."""
    owner = request.match_info.get("user", "")
    body = await lenient_object(request)
    try:
        receiver = await _made(body.get("receiver"), Receiver, owner, parts)
        config = await _made(body["config"], Config, owner, parts) if body.get("config") else None
    except (Denied, Invalid) as fault:
        raise Malformed(fault.slug, fault.text) from fault
    failed = await _tried(receiver, config, parts, caller(request).user)
    return json_response({"Status": 400, "Message": failed} if failed else DONE)


async def _made(body: Any, kind: type[Kept], owner: str, parts: Parts) -> Kept:
    """The object as it would be kept; raises `Denied` for one whose labels say that it is somebody else's."""
    if not isinstance(body, dict):
        raise Malformed("verification", f"the body has a {kind.NOUN.singular}, an object")
    wish = shapes.wish(body, kind, None, None, parts.outlets.sealer)
    wanted = {TYPE: TENANT, USER: owner} if owner else {TYPE: kind.NOUN.globally}
    if any(wish.labels.get(name) != value for name, value in wanted.items()):
        raise kind.NOUN.foreign(owner)
    return make(kind, wish, uid="", by="", at=parts.clock())[0]


async def _tried(receiver: Kept, config: Kept | None, parts: Parts, by: str) -> str:
    """Why it failed; empty where it went well."""
    at = parts.clock()
    labels = {"alertname": "verify", "alerttype": "verify"}
    signal = Signal(
        fingerprint="verify",
        bunch="",
        status=Status.FIRING,
        alert="verify",
        labels=labels,
        annotations={"message": f"A test of the receiver {receiver.name} by {by}."},
        starts_at=now_text(at),
        event="",
    )
    channels = [channel for channel in SENT_BY if receiver.part(channel)]
    for channel in channels:
        failed = await _sent(receiver, config, channel, signal, parts)
        if failed:
            return failed
    return "" if channels else f"the receiver has no channel that is served: {', '.join(SENT_BY)}"


async def _sent(receiver: Kept, config: Kept | None, channel: str, signal: Signal, parts: Parts) -> str:
    name = f"{SENT}{receiver.name}"
    if not isinstance(receiver, Receiver) or not (config is None or isinstance(config, Config)):
        return "no receiver"
    if channel == "email":
        return await _mailed(receiver, config, signal, parts)
    own = config if config is not None and config.part(channel) else None
    if channel == "webhook":
        body = orjson.dumps(alarm.payload([signal], signal.labels)).decode()
        outcome = await post(receiver, Post(name, channel, body), parts)
        return outcome.text if isinstance(outcome, Failure) else ""
    for to in receiver.part(channel)["channels"]:
        body = orjson.dumps({"channel": to, "text": alarm.chat([signal], signal.labels)}).decode()
        outcome = await post(receiver, Post(name, channel, body), parts, own)
        if isinstance(outcome, Failure):
            return outcome.text
    return ""


async def _mailed(receiver: Receiver, config: Config | None, signal: Signal, parts: Parts) -> str:
    try:
        office = await _office(receiver, config, parts)
        async with office.postman.visit() as courier:
            for to in receiver.part("email")["to"]:
                text = alarm.subject([signal], signal.labels), alarm.body([signal])
                name = letters.identity_of(f"{SENT}{signal.starts_at}", to)
                letter, _ = letters.alarm(name, (to, ""), text, Reason(""), parts.clock())
                await courier.deliver(composed(letter, office.sender), to)
    except Fault as fault:
        return fault.text
    return ""


async def _office(receiver: Receiver, config: Config | None, parts: Parts) -> Office:
    chosen = config or config_for(await parts.store.of(Config).find(), receiver, "email")
    return await office_by(chosen, parts) if chosen is not None and has_server(chosen) else await office_of("", parts)


ROUTES = (
    Route("POST", f"{NEW}/verification", verify),
    Route("POST", f"{NEW}/users/{{user}}/verification", verify),
)
