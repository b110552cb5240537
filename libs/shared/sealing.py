"""Secrets at rest: sealed with a key of the service's own, bound to what they belong to (AES-256-GCM, RFC 5116)."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.shared.errors import Broken
from libs.shared.private import write_private
from libs.shared.values import Secret

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
FILE: Final = "sealing.key"
VERSION: Final = "s1."
"""What sealed text begins with; another way of sealing will begin otherwise."""


class Sealer:
    """Seals and opens. `belongs` is what a secret is bound to, such as `receivers/mail/password`: sealed text that is
    moved elsewhere can't be opened there.
    """

    def __init__(self, key: bytes) -> None:
        self._sealing = AESGCM(key)

    def seal(self, secret: Secret, belongs: str) -> str:
        """Sealed text, another one each time."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._sealing.encrypt(nonce, secret.reveal().encode(), belongs.encode())
        return VERSION + base64.urlsafe_b64encode(nonce + sealed).decode()

    def unseal(self, text: str, belongs: str) -> Secret:
        """The secret. Raises `Broken` for what was sealed with another key, for something else, or was changed."""
        try:
            raw = base64.urlsafe_b64decode(text.removeprefix(VERSION)) if text.startswith(VERSION) else b""
            opened = self._sealing.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], belongs.encode())
        except (InvalidTag, ValueError):
            raise Broken(
                "unsealable", f"the secret of {belongs} can't be opened with this installation's key"
            ) from None
        return Secret(opened.decode())


def sealer_of(folder: Path) -> Sealer:
    """With the key in this folder, made at the first call and readable by this user alone. Raises `Broken`."""
    path = folder / FILE
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(path, os.urandom(KEY_BYTES))
        key = path.read_bytes()
    except OSError as error:
        raise Broken("sealing-key", f"the sealing key {path} can't be kept: {error.strerror}") from error
    if len(key) != KEY_BYTES:
        raise Broken("sealing-key", f"the sealing key {path} should be {KEY_BYTES} bytes and is {len(key)}")
    return Sealer(key)
