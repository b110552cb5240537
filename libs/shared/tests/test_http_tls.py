"""The gateway's own CA and certificate."""

from __future__ import annotations

import asyncio
import pathlib
import ssl
from datetime import timedelta

import pytest

from libs.shared.errors import Broken, Invalid
from libs.shared.http.tls import Certificate, certificate, context
from libs.shared.testing.clock import VirtualClock
from libs.shared.values import SystemClock


async def shaken(of: Certificate, host: str) -> str:
    """The TLS version of a handshake in which the client trusts the CA alone and checks the name."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context(of))
    async with server:
        trusting = ssl.create_default_context(cafile=of.ca)
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=host)
        version: str = writer.get_extra_info("ssl_object").version()
        writer.close()
    return version


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "orrery.example.com"])
async def test_a_client_that_trusts_the_ca_connects(tmp_path: pathlib.Path, host: str) -> None:
    """By loopback's names and the given host, and by no other."""
    made = certificate(tmp_path, ["orrery.example.com"], SystemClock())
    assert await shaken(made, host) in ("TLSv1.2", "TLSv1.3")
    with pytest.raises(ssl.SSLCertVerificationError):
        await shaken(made, "elsewhere.example.com")


def test_it_is_made_once_and_renewed_when_needed(tmp_path: pathlib.Path) -> None:
    """The same at the next start; another certificate of the same CA for other hosts or near its end."""
    clock = VirtualClock()
    made = certificate(tmp_path, [], clock)
    chain, ca = made.chain.read_bytes(), (tmp_path / "ca.crt").read_bytes()
    assert certificate(tmp_path, [], clock).chain.read_bytes() == chain
    renewed = certificate(tmp_path, ["a.example.com"], clock).chain.read_bytes()
    assert renewed != chain
    late = VirtualClock(clock() + timedelta(days=380))
    assert certificate(tmp_path, ["a.example.com"], late).chain.read_bytes() != renewed
    assert (tmp_path / "ca.crt").read_bytes() == ca


def test_keys_are_their_owners_alone(tmp_path: pathlib.Path) -> None:
    """Mode 0600 on both keys, and no half-written file is left."""
    certificate(tmp_path, [], SystemClock())
    assert {p.name: p.stat().st_mode & 0o777 for p in tmp_path.glob("*.key")} == {"ca.key": 0o600, "tls.key": 0o600}
    assert {p.name for p in tmp_path.iterdir()} == {"ca.crt", "ca.key", "tls.crt", "tls.key"}


def test_what_does_not_fit_is_named(tmp_path: pathlib.Path) -> None:
    """A broken CA file and an operator's wrong files are errors that name them."""
    made = certificate(tmp_path, [], SystemClock())
    with pytest.raises(Invalid, match=r"ORRERY_TLS_CERT=.*ca.key"):
        context(Certificate(tmp_path / "ca.key", made.key, None))
    with pytest.raises(Invalid, match=r"nowhere\.pem"):
        context(Certificate(tmp_path / "nowhere.pem", made.key, None))
    (tmp_path / "ca.crt").write_text("nonsense")
    with pytest.raises(Broken, match=r"ca\.crt is no certificate"):
        certificate(tmp_path, [], SystemClock())


def test_a_start_that_was_killed_between_the_files_is_mended(tmp_path: pathlib.Path) -> None:
    """A key beside another key's certificate is replaced with it, instead of failing each start from then on."""
    made = certificate(tmp_path, [], SystemClock())
    other = certificate(tmp_path / "other", [], SystemClock())
    made.key.write_bytes(other.key.read_bytes())
    with pytest.raises(Invalid):
        context(made)
    context(certificate(tmp_path, [], SystemClock()))


def test_a_ca_that_ends_is_replaced(tmp_path: pathlib.Path) -> None:
    """Before its certificates would end with it."""
    clock = VirtualClock()
    before = certificate(tmp_path, [], clock)
    standing = (tmp_path / "ca.crt").read_bytes(), before.chain.read_bytes()
    late = certificate(tmp_path, [], VirtualClock(clock() + timedelta(days=3640)))
    assert (tmp_path / "ca.crt").read_bytes() != standing[0]
    assert late.chain.read_bytes() != standing[1]
    context(late)
