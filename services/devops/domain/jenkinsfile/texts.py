"""Groovy's texts: single, double and triple quotes; in double ones `$NAME`, `${NAME}`, `${env.NAME}`, `${params.NAME}`.

What else Groovy takes between `${` and `}` is a program, and refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from services.devops.domain.jenkinsfile.model import Place, Ref, Template
from services.devops.domain.jenkinsfile.refusal import refused, shown

ESCAPES: Final[Mapping[str, str]] = {
    "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "s": " ",
    "\\": "\\", "'": "'", '"': '"', "$": "$", "\n": "",
}  # fmt: skip
SCOPES: Final = frozenset({"env", "params"})
PIECE: Final = re.compile(r"[^\\'\"$\n]+")
"""What is nothing but itself."""
UNICODE: Final = re.compile(r"u+([0-9A-Fa-f]{4})")
BARE: Final = re.compile(r"([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*))?", re.ASCII)
BRACED: Final = re.compile(r"\{[ \t]*([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*))?[ \t]*\}", re.ASCII)
KNOWN: Final = "accepted are $NAME, ${NAME}, ${env.NAME} and ${params.NAME}; a plain dollar is written \\$"


def read_text(text: str, begin: int, at: Place) -> tuple[Template, int]:
    """The text that begins at this quote, and where it ends. Raises `Invalid`."""
    quote = text[begin]
    whole = quote * 3 if text.startswith(quote * 3, begin) else quote
    reader = _Reader(text, begin + len(whole), whole, at)
    return Template(reader.read()), reader.place


class _Reader:
    """Inside of one text."""

    def __init__(self, text: str, place: int, quote: str, at: Place) -> None:
        self._text = text
        self.place = place
        self._quote = quote
        self._at = at
        self._parts: list[str | Ref] = []
        self._plain: list[str] = []

    def read(self) -> tuple[str | Ref, ...]:
        """Its parts; plain ones are never neighbours."""
        while not self._text.startswith(self._quote, self.place):
            if self.place >= len(self._text):
                raise refused(self._at, "the text that begins here has no end")
            self._piece()
        self.place += len(self._quote)
        self._settle()
        return tuple(self._parts)

    def _piece(self) -> None:
        if piece := PIECE.match(self._text, self.place):
            self._plain.append(piece.group())
            self.place = piece.end()
            return
        here = self._text[self.place]
        if here == "\\":
            self._escape()
        elif here == "$" and self._quote[0] == '"':
            self._variable()
        elif here == "\n" and len(self._quote) == 1:
            raise refused(self._at, "the text that begins here ends with its line: three quotes hold several lines")
        else:
            self._plain.append(here)
            self.place += 1

    def _escape(self) -> None:
        following = self._text[self.place + 1 : self.place + 2]
        if code := UNICODE.match(self._text, self.place + 1):
            character = chr(int(code.group(1), 16))
            if "\ud800" <= character <= "\udfff":
                raise refused(self._where(), "half of a character pair stands alone: write the character itself")
            self._plain.append(character)
            self.place = code.end()
        elif following in ESCAPES and following:
            self._plain.append(ESCAPES[following])
            self.place += 2
        else:
            raise refused(self._where(), f"“\\{shown(following)}” is no escape: a backslash is written \\\\")

    def _variable(self) -> None:
        found = BRACED.match(self._text, self.place + 1) or BARE.match(self._text, self.place + 1)
        if found is None or (found.group(2) and found.group(1) not in SCOPES):
            said = shown(self._text[self.place : self.place + 24].partition("\n")[0])
            raise refused(self._where(), f"“{said}” is not understood in a text: {KNOWN}")
        self._settle()
        first, second = found.group(1), found.group(2)
        self._parts.append(Ref(first, second) if second else Ref("", first))
        self.place = found.end()

    def _settle(self) -> None:
        if self._plain:
            self._parts.append("".join(self._plain))
            self._plain.clear()

    def _where(self) -> Place:
        """The present place, from where the text began."""
        begin = self._text.rfind("\n", 0, self.place) + 1
        line = self._text.count("\n", 0, self.place) + 1
        return Place(line, self.place - begin + 1)
