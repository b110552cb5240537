"""The hashing pool and the key that signs tokens, against the real libraries and the real file system."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from libs.shared.errors import Broken, Busy, Unauthenticated
from libs.shared.values import Secret
from services.accounts.clients import tokens
from services.accounts.clients.passwords import Passwords
from services.accounts.tests.stage import cheap

RIGHT = Secret("P@88w0rd")


@pytest.fixture
def pool() -> Passwords:
    return cheap()


async def test_hashes_are_argon2id_and_salted(pool: Passwords) -> None:
    """Two hashes of one password differ, and both verify it."""
    one, two = await pool.hash(RIGHT), await pool.hash(RIGHT)
    assert one != two
    assert one.reveal().startswith("$argon2id$v=19$")
    assert (await pool.verify(RIGHT, one)).right
    assert not (await pool.verify(Secret("P@88w0re"), two)).right


async def test_defaults_are_not_below_what_is_advised(pool: Passwords) -> None:
    """A hash made with less than the present cost is replaced when its password is next seen."""
    weak = await pool.hash(RIGHT)
    strong = Passwords(memory_kib=19 * 1024, passes=2, workers=1, waiting=4)
    verdict = await strong.verify(RIGHT, weak)
    assert verdict.better is not None
    assert "m=19456,t=2,p=1" in verdict.better.reveal()
    assert (await strong.verify(RIGHT, verdict.better)).better is None
    strong.close()


async def test_nobody_has_no_password(pool: Passwords) -> None:
    """Without a hash every password is wrong, the one of the stand-in hash too."""
    assert not (await pool.verify(RIGHT, None)).right
    assert not (await pool.verify(Secret("nobody's"), None)).right


async def test_what_is_no_hash_is_our_fault(pool: Passwords) -> None:
    """A damaged hash is Broken and not a wrong password, and the fault doesn't repeat it."""
    for hashed in ("$argon2id$damaged", "$2b$03$damaged" + "e" * 46):
        with pytest.raises(Broken) as fault:
            await pool.verify(RIGHT, Secret(hashed))
        assert "damaged" not in str(fault.value)


async def test_the_queue_is_bounded() -> None:
    """What goes beyond workers and queue is told to come again; the rest is served."""
    small = Passwords(memory_kib=1024, passes=3, workers=1, waiting=2)
    answers = await asyncio.gather(*(small.hash(RIGHT) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(answer, Secret) for answer in answers) == 3
    assert all(isinstance(answer, Secret | Busy) for answer in answers)
    small.close()


async def test_one_address_does_not_hold_up_another() -> None:
    """However many wait from one address, another one's is next but one; past its bound the first is refused."""
    small = Passwords(memory_kib=1024, passes=3, workers=1, waiting=100, each=20)
    ended: list[str] = []

    async def look(address: str) -> None:
        await small.verify(RIGHT, None, address)
        ended.append(address)

    crowd = [asyncio.create_task(look("10.0.0.1")) for _ in range(40)]
    await asyncio.sleep(0)
    await look("10.0.0.2")
    assert ended.index("10.0.0.2") <= 2
    answers = await asyncio.gather(*crowd, return_exceptions=True)
    assert sum(isinstance(answer, Busy) for answer in answers) == 19
    small.close()


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The first start makes it, mode 0600, leaving no draft behind; the second reads the same."""
    folder = tmp_path / "accounts"
    first = tokens.opened(Secret(""), folder)
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    second = tokens.opened(Secret(""), folder)
    assert first.kid == second.kid
    assert second.read(first.signed({"sub": "bob"})) == {"sub": "bob"}


def test_signatures_are_deterministic(tmp_path: Path) -> None:
    """The same claims make the same token: what a repeated refresh rests on."""
    keys = tokens.opened(Secret(""), tmp_path)
    assert keys.signed({"sub": "bob", "n": 1}) == keys.signed({"sub": "bob", "n": 1})


def test_another_key_s_tokens_are_refused(tmp_path: Path) -> None:
    """A signature by another key is none of ours, and neither is a forged payload."""
    ours, theirs = tokens.opened(Secret(""), tmp_path / "a"), tokens.opened(Secret(""), tmp_path / "b")
    token = theirs.signed({"sub": "admin"})
    with pytest.raises(Unauthenticated, match="signature is invalid"):
        ours.read(token)
    head, _, signature = ours.signed({"sub": "bob"}).split(".")
    forged = ".".join((head, token.split(".")[1], signature))
    with pytest.raises(Unauthenticated, match="signature is invalid"):
        ours.read(forged)


def test_keys_that_are_none(tmp_path: Path) -> None:
    """Text that is no key, a key of another kind, a folder that can't be made: one clear fault each."""
    rsa = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for given in ("nonsense", rsa.decode()):
        with pytest.raises(
            Broken, match=r"^ORRERY_ACCOUNTS_SIGNING_KEY: '\*\*\*' should be an Ed25519 private key"
        ) as told:
            tokens.opened(Secret(given), tmp_path)
        assert given not in str(told.value)
    (tmp_path / "spoilt").mkdir()
    (tmp_path / "spoilt" / "token-key.pem").write_text("nonsense")
    with pytest.raises(Broken, match=r"spoilt/token-key\.pem should be an Ed25519 private key"):
        tokens.opened(Secret(""), tmp_path / "spoilt")
    (tmp_path / "file").write_text("")
    with pytest.raises(Broken, match="can't be kept"):
        tokens.opened(Secret(""), tmp_path / "file" / "below")
