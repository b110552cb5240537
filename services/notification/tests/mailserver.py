"""A real SMTP server in a thread of its own, which behaves as a test tells it to."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Behaviour:
    """What comes next: each list is used up from its start, then all is well."""

    recipients: list[str] = field(default_factory=list)
    """Replies to RCPT."""
    contents: list[str] = field(default_factory=list)
    """Replies to DATA; `drop` keeps the letter and closes the connection, `stall` keeps it and says nothing."""
    senders: list[str] = field(default_factory=list)
    """Replies to MAIL."""


class Silent(asyncio.Protocol):
    """Takes connections and says nothing."""

    transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport


class MailServer:
    """`letters` are those that it has accepted, whether or not the client learnt of it."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        tls_first: bool = False,
        password: str = "",
        fall_silent: bool = False,
    ) -> None:
        self.letters: list[EmailMessage] = []
        self.connections = 0
        self.next = Behaviour()
        self.signed_in: list[str] = []
        self.port = 0
        self._tls, self._tls_first, self._password, self._silent = tls, tls_first, password, fall_silent
        self._sessions: list[Silent | SMTP] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._up = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(self._session, "127.0.0.1", 0, ssl=self._tls if self._tls_first else None)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        self._loop.run_forever()
        server.close()
        for session in self._sessions:
            if session.transport is not None:
                session.transport.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    def _session(self) -> Silent | SMTP:
        self.connections += 1
        if self._silent:
            self._sessions.append(Silent())
            return self._sessions[-1]
        session = SMTP(
            self,
            hostname="mail.test",
            loop=self._loop,
            tls_context=None if self._tls_first else self._tls,
            require_starttls=self._tls is not None and not self._tls_first,
            authenticator=self._authenticate,
            auth_required=bool(self._password),
            auth_require_tls=self._tls is not None and not self._tls_first,
        )
        self._sessions.append(session)
        return session

    def _authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        user, password = data.login.decode(), data.password.decode()
        self.signed_in.append(user)
        return AuthResult(success=password == self._password, handled=False, auth_data=user)

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802  # aiosmtpd's name
        if self.next.senders:
            return self.next.senders.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802  # aiosmtpd's name
        if self.next.recipients and (reply := self.next.recipients.pop(0)):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        reply = self.next.contents.pop(0) if self.next.contents else "250 accepted"
        if reply[0] in "45":
            return reply
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        letter["X-Envelope"] = f"{envelope.mail_from} -> {','.join(envelope.rcpt_tos)}"
        self.letters.append(letter)
        if reply == "drop":
            server.transport.abort()
        if reply == "stall":
            await asyncio.sleep(3600)
        return "250 accepted"


@dataclass(frozen=True)
class Authority:
    """A private CA: its PEM file, and a context for a server at 127.0.0.1 that it vouches for."""

    file: Path
    server: ssl.SSLContext


def common_name(text: str) -> x509.Name:
    """A name that is nothing else."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certified(name: str, issuer: str, key: Any, signer: Any, *, ca: bool) -> x509.Certificate:
    """A certificate for a name, good for an hour."""
    now = dt.datetime.now(dt.UTC)
    hour = dt.timedelta(hours=1)
    alternatives = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(common_name(name))
        .issuer_name(common_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - hour)
        .not_valid_after(now + hour)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if ca:
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip
        return certificate.add_extension(usage, critical=True).sign(signer, hashes.SHA256())
    return certificate.add_extension(alternatives, critical=False).sign(signer, hashes.SHA256())


def make_authority(folder: Path) -> Authority:
    """A CA of this test alone."""
    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.pem").write_bytes(certified("test CA", "test CA", root, root, ca=True).public_bytes(pem))
    (folder / "leaf.pem").write_bytes(
        certified("mail.test", "test CA", leaf, root, ca=False).public_bytes(pem) + leaf.private_bytes(pem, *plain)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "leaf.pem")
    return Authority(folder / "ca.pem", context)
