"""How a repository is entered: what its URL says, with the credential taken out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

import orjson

from libs.shared.errors import Malformed
from libs.shared.values import Secret
from services.openpitrix.domain.repo import LONGEST_URL

SCHEMES: Final = ("http", "https")


@dataclass(frozen=True, slots=True)
class Login:
    """User and password of a repository."""

    user: str
    password: Secret


def parted(url: str) -> tuple[str, Login | None]:
    """The address without its user, and the user; raises `Malformed` in the original's words."""
    if len(url) > LONGEST_URL or not url.isprintable():
        raise Malformed("repo-url", f"the address of a repository has at most {LONGEST_URL} letters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        said = "missing ']' in host" if "[" in url and "]" not in url else "invalid address"
        raise Malformed("repo-url", f'parse "{url}": {said}') from None
    if parts.scheme not in SCHEMES or not host:
        raise Malformed("repo-url", f'unsupported scheme "{parts.scheme[:20]}": http:// and https:// are accepted')
    user, _, place = parts.netloc.rpartition("@")
    if not user:
        return url, None
    name, _, password = user.partition(":")
    bare = urlunsplit((parts.scheme, place, parts.path, parts.query, ""))
    return bare, Login(unquote(name), Secret(unquote(password)))


def written(login: Login) -> Secret:
    """The login as text to be sealed."""
    return Secret(orjson.dumps([login.user, login.password.reveal()]).decode())


def read(text: Secret) -> Login:
    """What `written` wrote."""
    user, password = orjson.loads(text.reveal())
    return Login(user, Secret(password))
