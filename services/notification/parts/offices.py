"""Where letters are handed over: the platform's mail server, or the one that a config names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address as MailAddress
from typing import TYPE_CHECKING, Any

from libs.shared.values import Secret
from services.notification.clients.smtp import Server, Smtp, Tls, custom_trust
from services.notification.domain.address import mailbox_of
from services.notification.domain.config import has_server
from services.notification.domain.object import Config
from services.notification.parts.outlets import Postman
from services.notification.queries.secret import revealed

if TYPE_CHECKING:
    from services.notification.parts import Parts

SUBMISSIONS = 465
"""The port that speaks TLS from the start (RFC 8314)."""


@dataclass(frozen=True, slots=True)
class Office:
    """A mail server, and whom letters are from there."""

    postman: Postman
    sender: MailAddress


async def office_of(via: str, parts: Parts) -> Office:
    """By the config of this name; the platform's own where it is empty, or the config is gone or names no server any
    more. Raises `Invalid` and `Broken` where what the config says can't be used.
    """
    config = await parts.store.of(Config).look(via) if via else None
    if config is None or not has_server(config):
        return Office(parts.outlets.postman, mailbox_of(parts.settings.sender))
    return await office_by(config, parts)


async def office_by(config: Config, parts: Parts) -> Office:
    """The mail server that a config names, dialled through guarded egress. Raises as `office_of` does."""
    said = config.part("email")
    sender = mailbox_of(str(said.get("from") or parts.settings.sender))
    store, sealer = parts.store, parts.outlets.sealer
    password = await revealed(store, sealer, config, "email/authPassword") or Secret("")
    authority = await revealed(store, sealer, config, "email/tls/rootCA")
    tls: Mapping[str, Any] = said.get("tls") or {}
    trust = custom_trust(authority.reveal() if authority else "", unverified=tls.get("insecureSkipVerify") is True)
    host, user = said["smartHost"], str(said.get("authUsername") or "")
    server = Server(str(host["host"]), int(host["port"]), _tls(said, password), user, password)
    return Office(Smtp(server, sender.addr_spec, parts.settings.timeout, trust, parts.outlets.egress), sender)


def _tls(said: Mapping[str, Any], password: Secret) -> Tls:
    """Encrypted where a password goes along, unless the config says that it need not be."""
    if said["smartHost"]["port"] == SUBMISSIONS:
        return Tls.FIRST
    return Tls.ALWAYS if said.get("requireTLS") or (password and said.get("requireTLS") is None) else Tls.OFFERED
