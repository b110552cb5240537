"""The Authorization header, read: nobody, a bearer's token, or a name and password (iam-gateway 3.1)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from libs.shared.errors import Unauthenticated
from libs.shared.values import Secret

OAUTH = "/oauth/"
OAUTH_OF_THE_SIGNED_IN = frozenset({"/oauth/logout", "/oauth/userinfo", "/oauth/authorize"})
"""The rest of `/oauth` authenticates by its own body: the console sends a stale Bearer to the token endpoint."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No credentials."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name or e-mail address, and a password."""

    username: str
    password: Secret


Credentials = Nothing | Bearer | Basic


def read_credentials(header: str, path: str) -> Credentials:
    """What the header offers. Raises `Unauthenticated` for a scheme that isn't known, in the original's odd words."""
    if path.startswith(OAUTH) and path not in OAUTH_OF_THE_SIGNED_IN:
        return Nothing()
    scheme, _, value = header.strip().partition(" ")
    value = value.strip()
    if not scheme:
        return Nothing()
    if scheme.lower() == "bearer" and value:
        return Bearer(value)
    if scheme.lower() == "basic" and value:
        return _basic(value)
    raise Unauthenticated("credentials-scheme", "%!s(<nil>)")


def _basic(value: str) -> Basic:
    try:
        username, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated("credentials-basic", "incorrect password") from None
    if not colon or not username or not password:
        raise Unauthenticated("credentials-basic", "incorrect password")
    return Basic(username, Secret(password))
