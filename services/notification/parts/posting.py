"""One message to a webhook or to Slack, by what its receiver says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from libs.shared.errors import Broken, Fault
from services.notification.clients.web import Access, post_slack, post_webhook
from services.notification.domain.config import config_for
from services.notification.domain.notice import Failure
from services.notification.domain.object import Config, Receiver
from services.notification.queries.secret import revealed

if TYPE_CHECKING:
    from services.notification.parts import Parts


@dataclass(frozen=True, slots=True)
class Post:
    """What is posted: `name` goes along, so that a receiver can tell what comes twice."""

    name: str
    channel: str
    body: str


async def post(receiver: Receiver, what: Post, parts: Parts, config: Config | None = None) -> int | Failure:
    """Post it once, by what the receiver says; the status of 2xx, or how it failed. `config` is used rather than those
    that are kept.
    """
    try:
        if what.channel == "slack":
            return await _slack(receiver, what, parts, config)
        access = await access_of(receiver, what.name, parts)
    except Broken as fault:
        return Failure(fault.text)
    except Fault as fault:
        return Failure(fault.text, last=True)
    url = url_of(receiver)
    return await post_webhook(parts.outlets.egress, url, what.body.encode(), access, parts.settings.notice_timeout)


async def _slack(receiver: Receiver, what: Post, parts: Parts, given: Config | None) -> int | Failure:
    config = given or config_for(await parts.store.of(Config).find(), receiver, "slack")
    if config is None:
        return Failure("there is no config for Slack that this receiver may use", last=True)
    token = await revealed(parts.store, parts.outlets.sealer, config, "slack/slackTokenSecret")
    if token is None:
        return Failure(f"the config {config.name} has no token for Slack", last=True)
    settings = parts.settings
    body = what.body.encode()
    return await post_slack(parts.outlets.egress, settings.slack_url, body, token, settings.notice_timeout)


async def access_of(receiver: Receiver, name: str, parts: Parts) -> Access:
    """How a receiver's webhook is spoken to; `name` lets it tell a message that comes twice. Raises `Invalid`."""
    http = receiver.part("webhook").get("httpConfig") or {}
    tls, basic = http.get("tlsConfig") or {}, http.get("basicAuth") or {}
    store, sealer, inside = parts.store, parts.outlets.sealer, "webhook/httpConfig"
    authority = await revealed(store, sealer, receiver, f"{inside}/tlsConfig/rootCA")
    return Access(
        user=str(basic.get("username", "")),
        password=await revealed(store, sealer, receiver, f"{inside}/basicAuth/password"),
        bearer=await revealed(store, sealer, receiver, f"{inside}/bearerToken"),
        authority=authority.reveal() if authority else "",
        unverified=tls.get("insecureSkipVerify") is True,
        headers={"Idempotency-Key": name},
    )


def url_of(receiver: Receiver) -> str:
    """Where its webhook is: a URL, or a Service of the cluster by its name."""
    said = receiver.part("webhook")
    if said.get("url"):
        return str(said["url"])
    service = said.get("service") or {}
    scheme, port = service.get("scheme") or "http", service.get("port")
    place = f"{quote(str(service.get('name')), safe='')}.{quote(str(service.get('namespace')), safe='')}.svc"
    path = str(service.get("path") or "").lstrip("/")
    return f"{scheme}://{place}{f':{port}' if port else ''}/{path}"
