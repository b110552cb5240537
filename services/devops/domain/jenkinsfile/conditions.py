"""`when`: branch, environment, expression of the simple kind, and allOf, anyOf, not of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from services.devops.domain.jenkinsfile.lexer import Kind, Token
from services.devops.domain.jenkinsfile.model import Check, Expression, Operand, Ref, Template, When
from services.devops.domain.jenkinsfile.reader import Tokens
from services.devops.domain.jenkinsfile.refusal import refused, shown
from services.devops.domain.jenkinsfile.values import POSITIONAL, Arguments, arguments, parenthesized, reference

GROUPS: Final = frozenset({Check.ALL, Check.ANY, Check.NOT})
LONGEST_PATTERN: Final = 200
WORDS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None}


def when(tokens: Tokens) -> When:
    """The block after `when`: all of what it says has to hold."""
    inner = _inner(tokens, "when")
    return inner[0] if len(inner) == 1 else When(Check.ALL, inner=inner)


def _inner(tokens: Tokens, of: str) -> tuple[When, ...]:
    found = []
    at = tokens.next.at
    with tokens.block(of):
        for name in tokens.entries():
            found.append(_condition(tokens, name))
            tokens.end_of_line(name.text)
    if not found:
        raise refused(at, f"{of} says nothing")
    return tuple(found)


def _condition(tokens: Tokens, name: Token) -> When:
    known = [check.value for check in Check]
    if name.text not in known:
        raise refused(
            name.at, f"“{shown(name.text)}” is no condition that is understood: accepted are {', '.join(known)}"
        )
    check = Check(name.text)
    if check in GROUPS:
        inner = _inner(tokens, name.text)
        if check is Check.NOT and len(inner) != 1:
            raise refused(name.at, "not takes one condition")
        return When(check, inner=inner)
    if check is Check.EXPRESSION:
        return When(check, expression=_expression_block(tokens))
    given = parenthesized(tokens) if tokens.at_sign("(") else arguments(tokens)
    return When(check, _texts(check, given, name))


def _texts(check: Check, given: Arguments, name: Token) -> dict[str, Template]:
    wanted = ("pattern",) if check is Check.BRANCH else ("name", "value")
    if POSITIONAL in given and check is Check.BRANCH:
        given = {"pattern": given[POSITIONAL]}
    found = {key: text for key, text in given.items() if isinstance(text, Template)}
    if set(found) != set(wanted) or set(given) != set(wanted):
        raise refused(name.at, f"{name.text} takes {' and '.join(wanted)}, each a text")
    if check is Check.BRANCH and len(found["pattern"].source) > LONGEST_PATTERN:
        raise refused(name.at, f"a pattern has at most {LONGEST_PATTERN} characters")
    return found


def _expression_block(tokens: Tokens) -> Expression:
    with tokens.block("expression"):
        if tokens.at_name("return"):
            tokens.take()
        found = _any(tokens)
        tokens.lines()
    return found


def _any(tokens: Tokens) -> Expression:
    return _chain(tokens, "||", _all)


def _all(tokens: Tokens) -> Expression:
    return _chain(tokens, "&&", _one)


def _chain(tokens: Tokens, sign: str, read: Callable[[Tokens], Expression]) -> Expression:
    """One or more, with this sign between."""
    found = [read(tokens)]
    while tokens.at_sign(sign):
        tokens.take()
        tokens.lines()
        found.append(read(tokens))
    return found[0] if len(found) == 1 else Expression(sign, inner=tuple(found))


def _one(tokens: Tokens) -> Expression:
    """A comparison, a value, one that is negated, or one in parentheses."""
    if tokens.at_sign("!"):
        at = tokens.take().at
        with tokens.deeper(at):
            return Expression("!", inner=(_one(tokens),))
    if tokens.at_sign("("):
        at = tokens.take().at
        with tokens.deeper(at):
            found = _any(tokens)
        tokens.sign(")")
        return found
    left = _operand(tokens)
    if not tokens.at_sign("==", "!="):
        return Expression("", (left,))
    return Expression(tokens.take().text, (left, _operand(tokens)))


def _operand(tokens: Tokens) -> Operand:
    if tokens.next.kind is Kind.TEXT:
        return Operand(tokens.take().template)
    if tokens.next.kind is Kind.NUMBER:
        return Operand(int(tokens.take().text))
    if tokens.at_name(*WORDS):
        return Operand(WORDS[tokens.take().text])
    found: Ref = reference(tokens)
    return Operand(found)
