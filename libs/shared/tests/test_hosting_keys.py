"""Keys and passwords that a first start makes."""

import re
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from libs.shared.config import Suite
from libs.shared.errors import Invalid
from libs.shared.hosting.folder import Folder
from libs.shared.hosting.keys import (
    identity_key,
    identity_public_key,
    made_password,
    public_pem,
)
from libs.shared.private import write_private
from libs.shared.values import Secret


def pem(key: Ed25519PrivateKey | X25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The second start signs with the first one's key, and only this user can read it."""
    folder = Folder.opened(tmp_path)
    first = identity_key(Suite(), folder)
    again = identity_key(Suite(), folder)
    assert public_pem(first.public_key()) == public_pem(again.public_key())
    assert public_pem(identity_public_key(Suite(), folder)) == public_pem(first.public_key())
    files = list((tmp_path / "keys").iterdir())
    assert [(f.name, stat.S_IMODE(f.stat().st_mode)) for f in files] == [("identity.pem", 0o600)]


def test_given_keys_are_used(tmp_path: Path) -> None:
    """A service elsewhere verifies with the public half alone; nothing is written."""
    key = Ed25519PrivateKey.generate()
    folder = Folder.opened(tmp_path)
    signer = identity_key(Suite(identity_key=Secret(pem(key))), folder)
    verifier = identity_public_key(Suite(identity_public_key=public_pem(key.public_key())), folder)
    verifier.verify(signer.sign(b"who"), b"who")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["x", pem(X25519PrivateKey.generate())])
def test_what_is_no_key_is_named(tmp_path: Path, text: str) -> None:
    """Not PEM, or another sort of key: the setting is named, its value isn't."""
    with pytest.raises(Invalid, match="ORRERY_IDENTITY_KEY should be an Ed25519 private key") as caught:
        identity_key(Suite(identity_key=Secret(text)), Folder.opened(tmp_path))
    assert text not in caught.value.text or text == "x"
    other = X25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for wrong in ("x", other.decode()):
        with pytest.raises(Invalid, match="ORRERY_IDENTITY_PUBLIC_KEY should be"):
            identity_public_key(Suite(identity_public_key=wrong), Folder.opened(tmp_path))


def test_the_first_writer_wins(tmp_path: Path) -> None:
    """Two processes that start at once end up with one key; no draft stays behind."""
    write_private(tmp_path / "k", b"first")
    write_private(tmp_path / "k", b"second")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("k", b"first")]


def test_a_made_password_meets_the_rules() -> None:
    """Lower and upper case and digits, long, and never the same."""
    made = {made_password() for _ in range(50)}
    assert len(made) == 50
    assert all(re.search("[a-z]", p) and re.search("[A-Z]", p) and re.search("[0-9]", p) for p in made)
    assert {len(p) for p in made} == {23}
