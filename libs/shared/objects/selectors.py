"""Label selectors: Kubernetes' whole grammar, as a frozen value that matches labels and prints itself.

`a=b, c!=d, e in (f, g), h notin (i), j, !k, l>1, m<2`. Grammar, leniencies and error texts are those of
k8s.io/apimachinery/pkg/labels, so that a client sees the same words as from any API server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from libs.shared.errors import Malformed, TooLarge
from libs.shared.objects import names
from libs.shared.objects.tokens import Token, Tokens, scan

LONGEST = 16_384
"""Characters of the longest selector that is read."""


class Operator(StrEnum):
    """How a label's value is compared; the texts are those of Kubernetes' error messages."""

    IN = "in"
    NOT_IN = "notin"
    EQUALS = "="
    DOUBLE_EQUALS = "=="
    NOT_EQUALS = "!="
    GREATER = "gt"
    LESS = "lt"
    EXISTS = "exists"
    DOES_NOT_EXIST = "!"


_BINARY: Final = {
    Token.IN: Operator.IN,
    Token.NOT_IN: Operator.NOT_IN,
    Token.EQUALS: Operator.EQUALS,
    Token.DOUBLE_EQUALS: Operator.DOUBLE_EQUALS,
    Token.NOT_EQUALS: Operator.NOT_EQUALS,
    Token.GREATER: Operator.GREATER,
    Token.LESS: Operator.LESS,
}
_PRINTED: Final = {Operator.GREATER: ">", Operator.LESS: "<"}
_INT64 = 1 << 63


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label. `values` are sorted and without repeats."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels meet it. A missing label meets `!=` and `notin`, as in Kubernetes."""
        value = labels.get(self.key)
        match self.operator:
            case Operator.EXISTS:
                return value is not None
            case Operator.DOES_NOT_EXIST:
                return value is None
            case Operator.NOT_IN | Operator.NOT_EQUALS:
                return value is None or value not in self.values
            case Operator.GREATER | Operator.LESS:
                return value is not None and self._compares(value)
            case _:
                return value is not None and value in self.values

    def _compares(self, value: str) -> bool:
        number = _int64(value)
        if number is None:
            return False
        limit = int(self.values[0])
        return number > limit if self.operator is Operator.GREATER else number < limit

    def __str__(self) -> str:
        match self.operator:
            case Operator.EXISTS:
                return self.key
            case Operator.DOES_NOT_EXIST:
                return f"!{self.key}"
            case Operator.IN | Operator.NOT_IN:
                return f"{self.key} {self.operator} ({','.join(self.values)})"
            case _:
                return f"{self.key}{_PRINTED.get(self.operator, self.operator)}{self.values[0]}"


@dataclass(frozen=True, slots=True)
class Selector:
    """All of its requirements, sorted by key; none selects everything. `str` gives text that parses to an equal one."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels meet every requirement."""
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __bool__(self) -> bool:
        """Whether it narrows anything."""
        return bool(self.requirements)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


EVERYTHING = Selector()


def parse(text: str) -> Selector:
    """The selector that this text means; blank text selects everything.

    Raises `Malformed` with Kubernetes' text, such as `unable to parse requirement: found ')', expected: identifier`,
    and `TooLarge` past `LONGEST` characters.
    """
    if len(text) > LONGEST:
        raise TooLarge("selector-too-long", f"a label selector has at most {LONGEST} characters, this one {len(text)}")
    tokens = scan(text)
    found: list[Requirement] = []
    while True:
        token, literal = tokens.peek()
        if token is Token.END:
            return Selector(tuple(sorted(found, key=lambda requirement: requirement.key)))
        if token not in (Token.IDENTIFIER, Token.DOES_NOT_EXIST):
            raise _wrong(f"found '{literal}', expected: !, identifier, or 'end of string'")
        try:
            found.append(_requirement(tokens))
        except Malformed as fault:
            raise _wrong(f"unable to parse requirement: {fault.text}") from None
        _separator(tokens)


def _separator(tokens: Tokens) -> None:
    token, literal = tokens.take()
    if token is Token.COMMA:
        following, literal = tokens.peek()
        if following not in (Token.IDENTIFIER, Token.DOES_NOT_EXIST):
            raise _wrong(f"found '{literal}', expected: identifier after ','")
    elif token is not Token.END:
        raise _wrong(f"found '{literal}', expected: ',' or 'end of string'")


def _requirement(tokens: Tokens) -> Requirement:
    absent = tokens.peek()[0] is Token.DOES_NOT_EXIST
    if absent:
        tokens.take()
    token, key = tokens.take()
    if token is not Token.IDENTIFIER:
        raise _wrong(f"found '{key}', expected: identifier")
    if reasons := names.qualified(key):
        raise _wrong(f'<nil>: Invalid value: "{key}": {"; ".join(reasons)}')
    if absent:
        return Requirement(key, Operator.DOES_NOT_EXIST)
    if tokens.peek()[0] in (Token.END, Token.COMMA):
        return Requirement(key, Operator.EXISTS)
    operator = _operator(tokens)
    values = _set(tokens) if operator in (Operator.IN, Operator.NOT_IN) else {_exact(tokens)}
    return _checked(Requirement(key, operator, tuple(sorted(values))))


def _operator(tokens: Tokens) -> Operator:
    token, literal = tokens.take(keywords=True)
    if token not in _BINARY:
        raise _wrong(f"found '{literal}', expected: {', '.join(_BINARY.values())}")
    return _BINARY[token]


def _exact(tokens: Tokens) -> str:
    if tokens.peek()[0] in (Token.END, Token.COMMA):
        return ""
    token, literal = tokens.take()
    if token is not Token.IDENTIFIER:
        raise _wrong(f"found '{literal}', expected: identifier")
    return literal


def _set(tokens: Tokens) -> set[str]:
    token, literal = tokens.take()
    if token is not Token.OPEN:
        raise _wrong(f"found '{literal}' expected: '('")
    token, literal = tokens.peek()
    if token is Token.CLOSE:
        tokens.take()
        return {""}
    if token not in (Token.IDENTIFIER, Token.COMMA):
        raise _wrong(f"found '{literal}', expected: ',', ')' or identifier")
    return _members(tokens)


def _members(tokens: Tokens) -> set[str]:
    """The members up to and with the closing bracket; an empty place between commas is the empty value."""
    values: set[str] = set()
    expects_value = True
    while True:
        token, literal = tokens.take()
        match token:
            case Token.IDENTIFIER if expects_value:
                values.add(literal)
                expects_value = False
            case Token.IDENTIFIER:
                raise _wrong(f"found '{literal}', expected: ',' or ')'")
            case Token.COMMA | Token.CLOSE:
                if expects_value:
                    values.add("")
                if token is Token.CLOSE:
                    return values
                expects_value = True
            case _:
                wanted = "',', or identifier" if expects_value else "',' or ')'"
                raise _wrong(f"found '{literal}', expected: {wanted}")


def _checked(requirement: Requirement) -> Requirement:
    wrong: list[str] = []
    if requirement.operator in _PRINTED and _int64(requirement.values[0]) is None:
        wrong.append(
            f"values[0]: Invalid value: \"{requirement.values[0]}\": for 'Gt', 'Lt' operators, the value must be"
            " an integer",
        )
    for place, value in enumerate(requirement.values):
        if reasons := names.label_value(value):
            wrong.append(f'values[{place}][{requirement.key}]: Invalid value: "{value}": {"; ".join(reasons)}')
    if wrong:
        raise _wrong(wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]")
    return requirement


def _int64(text: str) -> int | None:
    """As Go's strconv.ParseInt reads it: ASCII digits, perhaps a sign, 64 bits."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit() and len(text) <= names.LABEL_LENGTH):
        return None
    number = int(text)
    return number if -_INT64 <= number < _INT64 else None


def _wrong(text: str) -> Malformed:
    return Malformed("selector-unreadable", text)
