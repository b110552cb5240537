"""Where a user's URL leads: read once, by one reader, so that what is vetted is what is dialled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from yarl import URL

from libs.shared.errors import Invalid

LONGEST: Final = 8192
_UNCLEAN: Final = re.compile(r"[\x00-\x20\x7f\\]")
BAD_PORTS: Final = frozenset(
    (
        *(0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104),
        *(109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515),
        *(526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049),
        *(3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    )
)
"""Where other protocols listen, which could take a request for their own lines (WHATWG Fetch, port blocking)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that can be asked: http or https, a host, no credentials in it."""

    url: URL
    host: str
    """In lower case, without brackets and without a dot at the end."""
    port: int

    @classmethod
    def parsed(cls, text: str, base: URL | None = None) -> Target:
        """Read it, against a base where it is relative; raises `Invalid`, which repeats none of it."""
        try:
            url = URL(_clean(text)) if base is None else base.join(URL(_clean(text)))
            host, port = (url.host or "").lower().removesuffix("."), url.port
        except ValueError:
            raise Invalid("egress-url", "the URL can't be read: http://host/path or https://host/path") from None
        if url.scheme not in ("http", "https") or not host or port is None:
            raise Invalid("egress-url", "a URL with http:// or https:// and a host is accepted")
        if url.user is not None or url.password is not None:
            raise Invalid("egress-userinfo", "a URL holds no user and password here: they are given apart from it")
        return cls(url.with_fragment(None), host, port)

    @property
    def origin(self) -> tuple[str, str, int]:
        """What credentials belong to (RFC 6454)."""
        return self.url.scheme, self.host, self.port


def _clean(text: str) -> str:
    """Readers disagree about backslashes, blanks and control characters, which is what they are used for."""
    if len(text) > LONGEST or _UNCLEAN.search(text):
        raise ValueError("unclean")
    return text
