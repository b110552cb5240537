"""The key that signs tokens, and JSON Web Tokens (RFC 7519) with EdDSA (RFC 8037): its signatures are deterministic."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from libs.shared.errors import Broken, Unauthenticated
from libs.shared.values import Secret

ALGORITHM = "EdDSA"
FILE = "token-key.pem"
DOTS = 2
"""In `header.claims.signature`."""
LONGEST = 8192
"""Characters of the longest token that is looked at."""


class Tokens:
    """Signs and reads tokens of one key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public = key.public_key()
        x = _base64(self._public.public_bytes(Encoding.Raw, PublicFormat.Raw))
        thumb = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"), sort_keys=True)
        self.kid = _base64(hashlib.sha256(thumb.encode()).digest())
        self._jwk = {"kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "alg": ALGORITHM, "kid": self.kid}

    def keys(self) -> Mapping[str, Any]:
        """The public half as a JSON Web Key Set (RFC 7517); `kid` is its RFC 7638 thumbprint."""
        return {"keys": [dict(self._jwk)]}

    def signed(self, said: Mapping[str, Any]) -> str:
        """The token that says this: the same for the same claims."""
        return jwt.encode(dict(said), self._key, algorithm=ALGORITHM, headers={"kid": self.kid})

    def read(self, token: str) -> Mapping[str, Any]:
        """What a token of ours says, whatever its age. Raises `Unauthenticated` with the words that clients know."""
        if token.count(".") != DOTS or len(token) > LONGEST:
            raise Unauthenticated("token-malformed", "token contains an invalid number of segments")
        try:
            return jwt.decode(token, self._public, algorithms=[ALGORITHM], options=_SIGNATURE_ALONE)
        except jwt.InvalidAlgorithmError:
            raise Unauthenticated("token-algorithm", "signing method is unavailable") from None
        except jwt.InvalidSignatureError:
            raise Unauthenticated("token-signature", "signature is invalid") from None
        except jwt.InvalidTokenError:
            raise Unauthenticated("token-malformed", "token is malformed") from None


_SIGNATURE_ALONE: Final[Any] = {
    "verify_signature": True,
    **dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub"), False),
}
"""Times are judged by the service's clock, not by the library's."""


def opened(given: Secret, folder: Path) -> Tokens:
    """The tokens of the key that was given (PEM), or of the one in this folder, made at the first start.

    Raises `Broken` when it can't be read or is no Ed25519 key.
    """
    pem = given.reveal().encode() or _kept(folder / FILE)
    key = _read(pem)
    if key is None:
        where = "ORRERY_ACCOUNTS_SIGNING_KEY: '***'" if given else str(folder / FILE)
        raise Broken("token-key", f"{where} should be an Ed25519 private key in PEM: tokens are signed with it")
    return Tokens(key)


def _read(pem: bytes) -> Ed25519PrivateKey | None:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PrivateKey) else None


def _kept(path: Path) -> bytes:
    """The key in this file; whoever comes first makes it, whole or not at all."""
    try:
        if not path.exists():
            _make(path)
        return path.read_bytes()
    except OSError as fault:
        raise Broken("token-key", f"the key that signs tokens can't be kept in {path}: {fault.strerror}") from fault


def _make(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
