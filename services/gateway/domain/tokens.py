"""Tokens whose signature was verified before: a signature is checked once, everything else on each request."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from services.gateway.domain.token import Claims


class Tokens:
    """A bounded memory of verified tokens, by their digest."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: OrderedDict[bytes, Claims] = OrderedDict()

    def look(self, token: str) -> Claims | None:
        """The claims of this very token, if its signature was verified."""
        return self._known.get(_digest(token))

    def note(self, token: str, claims: Claims) -> None:
        """Remember a verified token."""
        self._known[_digest(token)] = claims
        while len(self._known) > self._size:
            self._known.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
