"""A Jenkinsfile's text as tokens: names, texts with their variables, numbers, signs and line ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.devops.domain.jenkinsfile.model import Place, Template
from services.devops.domain.jenkinsfile.refusal import LARGEST, MOST_TOKENS, refused, shown
from services.devops.domain.jenkinsfile.texts import read_text

NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
NUMBER: Final = re.compile(r"[0-9]+")
BLANK: Final = re.compile(r"[ \t\f\r]+|\\\r?\n")
SIGNS: Final = ("==", "!=", "&&", "||", "{", "}", "(", ")", "[", "]", ",", ":", "=", "!", ".", "+")
LONGEST_NUMBER: Final = 9
NOTHING: Final = Template(())


class Kind(StrEnum):
    """What a token is."""

    NAME = "name"
    TEXT = "text"
    NUMBER = "number"
    SIGN = "sign"
    LINE = "line end"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `template` is a text's content."""

    kind: Kind
    text: str
    at: Place
    template: Template = NOTHING

    @property
    def said(self) -> str:
        """How a refusal names it."""
        if self.kind in (Kind.LINE, Kind.END):
            return f"the {self.kind}" if self.kind is Kind.END else "the end of the line"
        return f"a text {shown(self.template.source)!r}" if self.kind is Kind.TEXT else f"“{shown(self.text)}”"


def tokens(text: str) -> tuple[Token, ...]:
    """All tokens and an end. Raises `Invalid` for a text that is too large or holds what no token begins with."""
    if len(text) > LARGEST:
        raise refused(Place(1, 1), f"it has {len(text)} characters; at most {LARGEST} are accepted")
    found = []
    for token in _Lexer(text).read():
        found.append(token)
        if len(found) > MOST_TOKENS:
            raise refused(token.at, f"it has more than the {MOST_TOKENS} words and signs that are accepted")
    return tuple(found)


class _Lexer:
    """A place in the text that moves on."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._line = 1
        self._begin = 0
        """Where the present line begins."""

    def read(self) -> Iterator[Token]:
        """Every token."""
        if self._text.startswith("#!"):
            self._place = self._after_line(0)
        while self._place < len(self._text):
            if not self._skipped():
                yield self._token()
        yield Token(Kind.END, "", self._at)

    @property
    def _at(self) -> Place:
        return Place(self._line, self._place - self._begin + 1)

    def _skipped(self) -> bool:
        """Whether blanks or a comment stood here."""
        if blank := BLANK.match(self._text, self._place):
            self._go(blank.end())
            return True
        if self._text.startswith("//", self._place):
            self._go(self._after_line(self._place))
            return True
        if self._text.startswith("/*", self._place):
            end = self._text.find("*/", self._place + 2)
            if end < 0:
                raise refused(self._at, "the comment that begins here has no end")
            self._go(end + 2)
            return True
        return False

    def _token(self) -> Token:
        at, here = self._at, self._text[self._place]
        if here in "\n;":
            self._go(self._place + 1)
            return Token(Kind.LINE, here, at)
        if here in "'\"":
            template, end = read_text(self._text, self._place, at)
            self._go(end)
            return Token(Kind.TEXT, here, at, template)
        if name := NAME.match(self._text, self._place):
            self._go(name.end())
            return Token(Kind.NAME, name.group(), at)
        if number := NUMBER.match(self._text, self._place):
            if len(number.group()) > LONGEST_NUMBER:
                raise refused(at, f"a number has at most {LONGEST_NUMBER} digits")
            self._go(number.end())
            return Token(Kind.NUMBER, number.group(), at)
        for sign in SIGNS:
            if self._text.startswith(sign, self._place):
                self._go(self._place + len(sign))
                return Token(Kind.SIGN, sign, at)
        raise refused(at, f"“{shown(here)}” is not understood here")

    def _after_line(self, place: int) -> int:
        end = self._text.find("\n", place)
        return len(self._text) if end < 0 else end

    def _go(self, place: int) -> None:
        """Move on, counting lines."""
        lines = self._text.count("\n", self._place, place)
        if lines:
            self._line += lines
            self._begin = self._text.rfind("\n", self._place, place) + 1
        self._place = place
