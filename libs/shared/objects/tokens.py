"""The words of a label selector, as k8s.io/apimachinery/pkg/labels splits them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Token(StrEnum):
    """A kind of word; the values of the fixed ones are their spelling."""

    END = ""
    IDENTIFIER = "identifier"
    COMMA = ","
    OPEN = "("
    CLOSE = ")"
    EQUALS = "="
    DOUBLE_EQUALS = "=="
    NOT_EQUALS = "!="
    DOES_NOT_EXIST = "!"
    GREATER = ">"
    LESS = "<"
    IN = "in"
    NOT_IN = "notin"


_SPECIAL = "=!(),><"
_BLANK = " \t\r\n"
_DOUBLES = (Token.DOUBLE_EQUALS, Token.NOT_EQUALS)
_KEYWORDS = (Token.IN, Token.NOT_IN)


class Tokens:
    """The words of one selector, read once from left to right."""

    __slots__ = ("_at", "_words")

    def __init__(self, words: Sequence[tuple[Token, str]]) -> None:
        self._words = words
        self._at = 0

    def peek(self) -> tuple[Token, str]:
        """The next word; `in` and `notin` are identifiers here, since keys and values may be called so."""
        return self._word(keywords=False)

    def take(self, *, keywords: bool = False) -> tuple[Token, str]:
        """The next word, and step behind it."""
        word = self._word(keywords=keywords)
        self._at += 1
        return word

    def _word(self, *, keywords: bool) -> tuple[Token, str]:
        if self._at >= len(self._words):
            return Token.END, ""
        token, literal = self._words[self._at]
        return (token if keywords or token not in _KEYWORDS else Token.IDENTIFIER), literal


def scan(text: str) -> Tokens:
    """Split a selector into its words."""
    words: list[tuple[Token, str]] = []
    at = 0
    while at < len(text):
        start = at
        if text[at] in _BLANK:
            at += 1
        elif text[at] in _SPECIAL:
            at += 2 if text[at : at + 2] in _DOUBLES else 1
            words.append((Token(text[start:at]), text[start:at]))
        else:
            while at < len(text) and text[at] not in _SPECIAL and text[at] not in _BLANK:
                at += 1
            word = text[start:at]
            words.append((Token(word) if word in _KEYWORDS else Token.IDENTIFIER, word))
    return Tokens(words)
