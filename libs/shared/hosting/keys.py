"""Secrets of a suite that are made at its first start and kept in the data folder."""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from libs.shared.config.suite import Suite
from libs.shared.errors import Invalid
from libs.shared.hosting.folder import Folder
from libs.shared.private import write_private

PASSWORD_LENGTH = 20
READABLE = "abcdefghijkmnpqrstuvwxyz"
DIGITS = "23456789"
CAPITALS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def identity_key(suite: Suite, folder: Folder) -> Ed25519PrivateKey:
    """What the gateway signs callers' identities with: the given one, or the folder's, made when it is absent."""
    if suite.identity_key:
        return _private_key(suite.identity_key.reveal().encode(), "ORRERY_IDENTITY_KEY")
    path = folder.within("keys") / "identity.pem"
    if not path.exists():
        made = Ed25519PrivateKey.generate()
        write_private(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return _private_key(path.read_bytes(), str(path))


def identity_public_key(suite: Suite, folder: Folder) -> Ed25519PublicKey:
    """What services verify callers' identities with."""
    if not suite.identity_public_key:
        return identity_key(suite, folder).public_key()
    name = "ORRERY_IDENTITY_PUBLIC_KEY"
    try:
        key = load_pem_public_key(suite.identity_public_key.encode())
    except ValueError as error:
        raise Invalid("identity-key", f"{name} should be an Ed25519 public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise Invalid("identity-key", f"{name} should be an Ed25519 public key in PEM, and is of another type")
    return key


def public_pem(key: Ed25519PublicKey) -> str:
    """The key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def made_password() -> str:
    """A password for `admin` that is easy to copy by hand: no letter that looks like another; all classes in it."""
    picked = [secrets.choice(alphabet) for alphabet in (READABLE, CAPITALS, DIGITS)]
    picked += [secrets.choice(READABLE + CAPITALS + DIGITS) for _ in range(PASSWORD_LENGTH - len(picked))]
    secrets.SystemRandom().shuffle(picked)
    groups = ("".join(picked[i : i + 5]) for i in range(0, PASSWORD_LENGTH, 5))
    return "-".join(groups)


def _private_key(pem: bytes, where: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise Invalid("identity-key", f"{where} should be an Ed25519 private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Invalid("identity-key", f"{where} should be an Ed25519 private key in PEM, and is of another type")
    return key
