"""Secrets of a suite that are made at its first start and kept in the data folder."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from pathlib import Path

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


def service_key(service: str, given: str, folder: Folder) -> Ed25519PrivateKey:
    """What a service signs its own calls with: the given PEM, or the folder's, made when it is absent. Its public half
    is left in the folder for the services that share it.
    """
    place = folder.within("keys/services")
    if given:
        key = _private_key(given.encode(), f"ORRERY_{service}_KEY".upper())
    else:
        path = place / f"{service}.key"
        if not path.exists():
            made = Ed25519PrivateKey.generate()
            write_private(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        key = _private_key(path.read_bytes(), str(path))
    public = place / f"{service}.pem"
    if not public.exists() or public.read_text() != public_pem(key.public_key()):
        public.unlink(missing_ok=True)
        write_private(public, public_pem(key.public_key()).encode())
    return key


class ServiceKeys:
    """Public keys of services, `<service>.pem` in a folder: read when they are first asked for, and again when the file
    has changed.
    """

    def __init__(self, place: Path, names: Collection[str]) -> None:
        """`names` are the services that there are: no other name is looked for."""
        self._place, self._names = place, names
        self._known: dict[str, tuple[tuple[int, int], Ed25519PublicKey | None]] = {}

    def __call__(self, service: str) -> Ed25519PublicKey | None:
        """The key; None for no service of ours, or one that has left no key here."""
        if service not in self._names:
            return None
        path = self._place / f"{service}.pem"
        try:
            found = path.stat()
            mark = (found.st_mtime_ns, found.st_ino)
            known = self._known.get(service)
            if known is None or known[0] != mark:
                known = self._known[service] = (mark, _public_key(path.read_bytes()))
        except OSError:
            return None
        return known[1]


def service_keys(suite: Suite, folder: Folder, names: Collection[str]) -> ServiceKeys:
    """Where the keys of these services are: ORRERY_SERVICE_KEYS, or the data folder."""
    return ServiceKeys(suite.service_keys or folder.within("keys/services"), names)


def _public_key(pem: bytes) -> Ed25519PublicKey | None:
    try:
        key = load_pem_public_key(pem)
    except ValueError:
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


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
