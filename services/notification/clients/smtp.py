"""A real mail server by SMTP (RFC 5321) with STARTTLS (RFC 3207), AUTH (RFC 4954) or TLS from the start (RFC 8314)."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit

import aiosmtplib

from libs.shared.egress.client import Egress
from libs.shared.errors import Busy, Fault, Invalid
from libs.shared.values import Secret
from services.notification.domain.letter import Refused, Unreachable

PERMANENT = 500
ACCEPTED = "smtp://[user:password@]host[:port][?starttls=always|offered|never] or smtps://…"
WHO = re.compile(r"//.*@", re.DOTALL)
"""User and password in an address, however wrongly it is written."""
FAILURES = (aiosmtplib.SMTPException, OSError)
"""What talking to a server can end in; `TimeoutError` and `ssl.SSLError` are `OSError`s."""


class Tls(StrEnum):
    """When the connection is encrypted; certificates are verified whenever it is."""

    FIRST = "first"
    ALWAYS = "always"
    OFFERED = "offered"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Server:
    """Where letters are handed over, and as whom."""

    host: str
    port: int
    tls: Tls
    user: str
    password: Secret


def server_of(address: str) -> Server:
    """Read the address; raises `Invalid`, which repeats it without user and password.

    STARTTLS is `always` when there is a password, unless something else is asked for; `offered` otherwise.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        query = dict(parse_qsl(parts.query, strict_parsing=True, max_num_fields=4) if parts.query else ())
    except ValueError as error:
        raise _no_server(address) from error
    first = parts.scheme == "smtps"
    asked = query.pop("starttls", Tls.FIRST if first else Tls.ALWAYS if parts.password else Tls.OFFERED)
    fits = asked in set(Tls) and first == (asked == Tls.FIRST)
    if parts.scheme not in ("smtp", "smtps") or not host or query or parts.path not in ("", "/") or not fits:
        raise _no_server(address)
    port = port or (465 if first else 587 if parts.username else 25)
    return Server(host, port, Tls(asked), unquote(parts.username or ""), Secret(unquote(parts.password or "")))


def _no_server(address: str) -> Invalid:
    shown = WHO.sub("//***@", address)
    return Invalid("mail-address", f"ORRERY_MAIL: {shown!r} names no mail server: {ACCEPTED} is accepted")


def trust_of(ca: str) -> ssl.SSLContext:
    """What certificates are verified against: a PEM file, or the system's authorities; raises `Invalid`."""
    try:
        return ssl.create_default_context(cafile=ca or None)
    except OSError as error:
        raise Invalid("mail-ca", f"ORRERY_NOTIFICATION_CA: {ca} is no readable file of PEM certificates") from error


def custom_trust(authority: str, *, unverified: bool) -> ssl.SSLContext:
    """What the certificate of a server that a config names is verified against: PEM text, or the system's authorities;
    nothing where the config says so. Raises `Invalid`.
    """
    try:
        context = ssl.create_default_context(cadata=authority or None)
    except (ssl.SSLError, ValueError) as error:
        raise Invalid("mail-ca", "the config's rootCA holds no PEM certificates") from error
    if unverified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True, slots=True)
class Smtp:
    """Postman to one server. `sender` is the envelope's, `timeout` in seconds for each command. With `egress` the
    server is one that a user named, and is dialled only where that may be.
    """

    server: Server
    sender: str
    timeout: float
    trust: ssl.SSLContext
    egress: Egress | None = None

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[SmtpCourier]:
        """A connection for as long as the block lasts; raises `Unreachable`."""
        courier = SmtpCourier(self)
        await courier.connect()
        try:
            yield courier
        finally:
            await courier.leave()

    async def forget(self, names: Sequence[str]) -> None:
        """Nothing of them is kept here."""


class SmtpCourier:
    """One connection, made anew when the server has closed it."""

    def __init__(self, postman: Smtp) -> None:
        self._postman = postman
        self._client = self._new_client()

    def _new_client(self, dialled: socket.socket | None = None) -> aiosmtplib.SMTP:
        server = self._postman.server
        wants = {Tls.FIRST: False, Tls.ALWAYS: True, Tls.OFFERED: None, Tls.NEVER: False}
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=None if dialled else server.port,
            sock=dialled,
            local_hostname=self._postman.sender.rpartition("@")[2],
            timeout=self._postman.timeout,
            use_tls=server.tls is Tls.FIRST,
            start_tls=wants[server.tls],
            tls_context=self._postman.trust,
            username=server.user or None,
            password=server.password.reveal() or None,
        )

    async def connect(self) -> None:
        """Connect, encrypt, sign in. That the server refuses us here is never a letter's fault, whatever the code."""
        place = f"{self._postman.server.host}:{self._postman.server.port}"
        if self._postman.egress is not None:
            self._client = self._new_client(await _dialled(self._postman.egress, self._postman))
        try:
            await self._client.connect()
        except FAILURES as error:
            self._client.close()
            raise Unreachable("mail-unreachable", f"no letter can be handed over at {place}: {_told(error)}") from error

    async def deliver(self, message: EmailMessage, to: str) -> None:
        """Hand it over; raises `Refused`, `Busy`, or `Unreachable` when a new connection can't be made."""
        if not self._client.is_connected:
            self._client = self._new_client()
            await self.connect()
        try:
            await self._client.send_message(message, sender=self._postman.sender, recipients=[to])
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
            raise _refusal(error) from error
        except (aiosmtplib.SMTPNotSupported, ValueError) as error:
            raise Refused("mail-unsupported", f"the mail server can't take it: {_told(error)}") from error
        except FAILURES as error:
            self._client.close()
            raise Busy("mail-interrupted", f"whether it was accepted is unknown: {_told(error)}") from error

    async def leave(self) -> None:
        """Say goodbye; that this fails hurts nobody."""
        try:
            if self._client.is_connected:
                await self._client.quit()
        except FAILURES:
            pass
        finally:
            self._client.close()


async def _dialled(egress: Egress, postman: Smtp) -> socket.socket:
    """A connection to one of the addresses that may be dialled for the server; raises `Unreachable`."""
    host, port = postman.server.host, postman.server.port
    try:
        vetted = await egress.vetted(host, port)
    except Fault as fault:
        raise Unreachable(fault.slug, f"no letter can be handed over at {host}:{port}: {fault.text}") from fault
    for address in vetted.addresses:
        found = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        found.setblocking(False)
        try:
            async with asyncio.timeout(postman.timeout):
                await asyncio.get_running_loop().sock_connect(found, (address, port))
        except OSError:
            found.close()
        else:
            return found
    raise Unreachable("mail-unreachable", f"no letter can be handed over at {host}:{port}: it does not answer")


def _refusal(error: aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPResponseException) -> Refused | Busy:
    """For good, when the recipient or the content is refused with 5yz. A refused sender is our setting, which an
    operator mends: the letter waits.
    """
    answer = error.recipients[0] if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else error
    told = f"the mail server answered {answer.code} {answer.message}"
    if answer.code >= PERMANENT and not isinstance(answer, aiosmtplib.SMTPSenderRefused):
        return Refused("mail-refused", told)
    return Busy("mail-not-now", told)


def _told(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
