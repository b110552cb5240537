"""Hiding secrets in what a run writes: whatever a step was lent is never kept in a log, an event or a reason."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from libs.shared.values import Secret

MASK: Final = b"****"
SHORTEST: Final = 3
"""Characters of what is worth hiding: a shorter text would hide half of every log, and is no secret."""
LONGEST_LINE: Final = 16 << 10
"""Bytes of a line that are held back until it is whole."""


class Masks:
    """The secrets that a run has been lent so far, in the forms in which they are likely to be written."""

    def __init__(self) -> None:
        self._forms: tuple[bytes, ...] = ()

    def add(self, secrets: Iterable[Secret]) -> None:
        """Hide these from now on."""
        found = set(self._forms)
        for secret in secrets:
            found |= {form.encode() for form in _forms(secret.reveal()) if len(form) >= SHORTEST}
        self._forms = tuple(sorted(found, key=lambda form: (-len(form), form)))

    def hidden(self, text: bytes) -> bytes:
        """The text, masked."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def told(self, text: str) -> str:
        """A text, masked."""
        return self.hidden(text.encode(errors="replace")).decode(errors="replace")

    @property
    def longest(self) -> int:
        """Bytes of the longest form."""
        return len(self._forms[0]) if self._forms else 0


def _forms(secret: str) -> set[str]:
    """Itself, its lines, quoted as shells do when they trace, in base64 and in URLs."""
    lines = {line.strip() for line in secret.splitlines()} if "\n" in secret else set()
    encoded = base64.b64encode(secret.encode()).decode()
    quoted = {secret.replace("'", "'\\''"), secret.replace("'", "'\"'\"'")}
    return {secret, secret.strip(), *lines, *quoted, encoded, encoded.rstrip("="), quote(secret, safe="")}


class Stream:
    """What one step writes, cut into pieces in which no secret can be half."""

    def __init__(self, masks: Masks) -> None:
        self._masks = masks
        self._held = b""

    def take(self, part: bytes) -> bytes:
        """What can be written now: whole lines, or of an endless line all but an end that may be half a secret."""
        held = self._held + part
        whole = held.rfind(b"\n") + 1
        if len(held) - whole > LONGEST_LINE:
            masked = self._masks.hidden(held)
            keep = min(self._masks.longest, len(masked))
            self._held = masked[len(masked) - keep :]
            return masked[: len(masked) - keep]
        self._held = held[whole:]
        return self._masks.hidden(held[:whole])

    def rest(self) -> bytes:
        """What is left at the end, as a whole line."""
        left, self._held = self._masks.hidden(self._held), b""
        return left + b"\n" if left else b""
