"""Moving over tokens: what both the structure and the steps of a Jenkinsfile are read with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from libs.shared.errors import Invalid
from services.devops.domain.jenkinsfile.lexer import Kind, Token, tokens
from services.devops.domain.jenkinsfile.model import Place
from services.devops.domain.jenkinsfile.refusal import DEEPEST, MOST_STAGES, MOST_STEPS, refused


class Tokens:
    """A place among tokens; it also counts ids, stages, steps and depth."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._place = 0
        self._depth = 0
        self._ids = 0
        self._counts = {"stages": 0, "steps": 0}

    @property
    def next(self) -> Token:
        """The token to come."""
        return self._tokens[self._place]

    def take(self) -> Token:
        """The token to come, and move on."""
        token = self.next
        if token.kind is not Kind.END:
            self._place += 1
        return token

    def lines(self) -> None:
        """Pass over line ends."""
        while self.next.kind is Kind.LINE:
            self._place += 1

    def at_sign(self, *signs: str) -> bool:
        """Whether one of these signs is to come."""
        return self.next.kind is Kind.SIGN and self.next.text in signs

    def followed_by(self, sign: str) -> bool:
        """Whether this sign comes right after the token to come."""
        after = self._tokens[min(self._place + 1, len(self._tokens) - 1)]
        return after.kind is Kind.SIGN and after.text == sign

    def at_name(self, *names: str) -> bool:
        """Whether one of these names is to come."""
        return self.next.kind is Kind.NAME and self.next.text in names

    def sign(self, sign: str, *, wanted: str = "") -> Token:
        """Take this sign; raises `Invalid` where another thing stands."""
        if not self.at_sign(sign):
            raise self.unlike(wanted or f"“{sign}”")
        return self.take()

    def name(self, wanted: str) -> Token:
        """Take a name."""
        if self.next.kind is not Kind.NAME:
            raise self.unlike(wanted)
        return self.take()

    def text(self, wanted: str) -> Token:
        """Take a text."""
        if self.next.kind is not Kind.TEXT:
            raise self.unlike(wanted)
        return self.take()

    def number(self, wanted: str) -> int:
        """Take a number."""
        if self.next.kind is not Kind.NUMBER:
            raise self.unlike(wanted)
        return int(self.take().text)

    def end_of_line(self, after: str) -> None:
        """Something ends here: at a line end, or before a closing brace."""
        if self.next.kind not in (Kind.LINE, Kind.END) and not self.at_sign("}"):
            raise refused(self.next.at, f"{self.next.said} is not understood after {after}")
        self.lines()

    def unlike(self, wanted: str) -> Invalid:
        """The refusal of the token to come, where this was wanted."""
        return refused(self.next.at, f"{wanted} is expected, and {self.next.said} found")

    @contextmanager
    def deeper(self, at: Place) -> Iterator[None]:
        """One level further in."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise refused(at, f"this is nested more than {DEEPEST} deep")
        try:
            yield
        finally:
            self._depth -= 1

    @contextmanager
    def block(self, of: str) -> Iterator[None]:
        """What stands between braces."""
        at = self.sign("{", wanted=f"“{{” after {of}").at
        self.lines()
        with self.deeper(at):
            yield
        self.sign("}", wanted=f"“}}” at the end of {of}")

    def entries(self) -> Iterator[Token]:
        """The name that each entry of a block begins with, taken, until the block's end."""
        self.lines()
        while not self.at_sign("}"):
            yield self.name("a name or “}”")
            self.lines()

    def identify(self, what: str, at: Place) -> str:
        """A new id for a stage or a step; raises `Invalid` past what a pipeline may have."""
        self._counts[what] += 1
        most = MOST_STAGES if what == "stages" else MOST_STEPS
        if self._counts[what] > most:
            raise refused(at, f"a pipeline has at most {most} {what}")
        self._ids += 1
        return str(self._ids)
