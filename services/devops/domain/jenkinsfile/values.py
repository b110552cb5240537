"""Arguments and values of steps: texts, numbers, booleans, lists, maps, and calls inside of lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.devops.domain.jenkinsfile.lexer import Kind
from services.devops.domain.jenkinsfile.model import Call, Place, Ref, Template, Value
from services.devops.domain.jenkinsfile.reader import Tokens
from services.devops.domain.jenkinsfile.refusal import refused, shown
from services.devops.domain.jenkinsfile.texts import SCOPES

BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}
Arguments = dict[str, Value]
POSITIONAL = ""
"""The key of an argument that has none."""


def value(tokens: Tokens) -> Value:
    """One value. Raises `Invalid` for what is none."""
    if tokens.at_sign("["):
        return _list_or_map(tokens)
    if tokens.next.kind is Kind.NUMBER:
        return int(tokens.take().text)
    if tokens.at_name(*BOOLEANS):
        return BOOLEANS[tokens.take().text]
    return template(tokens)


def template(tokens: Tokens) -> Template:
    """A text or a variable, or several of them with `+` between."""
    parts = list(_operand(tokens))
    while tokens.at_sign("+"):
        tokens.take()
        tokens.lines()
        parts += _operand(tokens)
    return Template(tuple(parts))


def _operand(tokens: Tokens) -> tuple[str | Ref, ...]:
    if tokens.next.kind is Kind.TEXT:
        return tokens.take().template.parts
    return (reference(tokens),)


def reference(tokens: Tokens) -> Ref:
    """A variable outside of a text: `NAME`, `env.NAME`, `params.NAME`."""
    first = tokens.name("a text, a number, true, false, a list or a variable")
    if tokens.at_sign("."):
        if first.text not in SCOPES:
            raise refused(first.at, f"“{shown(first.text)}.…” is not understood: only env.NAME and params.NAME are")
        tokens.take()
        return Ref(first.text, tokens.name(f"a name after {first.text}.").text)
    if tokens.at_sign("("):
        raise refused(first.at, f"a call of “{shown(first.text)}” is not understood here: Groovy is not executed")
    return Ref("", first.text)


def _list_or_map(tokens: Tokens) -> Value:
    at = tokens.sign("[").at
    items: list[Value] = []
    entries: Arguments = {}
    with tokens.deeper(at):
        tokens.lines()
        while not tokens.at_sign("]"):
            _item(tokens, items, entries)
            tokens.lines()
            if not tokens.at_sign("]"):
                tokens.sign(",", wanted="“,” or “]”")
                tokens.lines()
    tokens.sign("]")
    if items and entries:
        raise refused(at, "this is half a list, half a map")
    return entries or tuple(items)


def _item(tokens: Tokens, items: list[Value], entries: Arguments) -> None:
    """A member of a list, or an entry of a map: `key: value`; a member may be a call."""
    if tokens.next.kind is not Kind.NAME or tokens.at_name(*BOOLEANS):
        items.append(value(tokens))
        return
    first = tokens.take()
    if tokens.at_sign(":"):
        tokens.take()
        tokens.lines()
        _add(entries, first.text, value(tokens), first.at)
    elif tokens.at_sign("("):
        items.append(Call(first.text, parenthesized(tokens), first.at))
    else:
        raise refused(first.at, f"“{shown(first.text)}” is not understood in a list")


def parenthesized(tokens: Tokens) -> Arguments:
    """`(value)`, `(key: value, …)` or `()`."""
    at = tokens.sign("(").at
    with tokens.deeper(at):
        tokens.lines()
        found: Arguments = {} if tokens.at_sign(")") else arguments(tokens, within=True)
        tokens.lines()
        tokens.sign(")", wanted="“,” or “)”")
    return found


def arguments(tokens: Tokens, *, within: bool = False) -> Arguments:
    """`value` or `key: value, …`; inside of parentheses they may go over several lines."""
    found: Arguments = {}
    while True:
        at = tokens.next.at
        key = _key(tokens, within=within)
        _add(found, key, value(tokens), at)
        if within:
            tokens.lines()
        if not tokens.at_sign(","):
            return found
        tokens.take()
        tokens.lines()


def _key(tokens: Tokens, *, within: bool) -> str:
    """The key that is to come with its colon, taken; or none."""
    if tokens.next.kind is not Kind.NAME or not tokens.followed_by(":"):
        return POSITIONAL
    key = tokens.take().text
    tokens.take()
    if within:
        tokens.lines()
    return key


def _add(found: Arguments, key: str, given: Value, at: Place) -> None:
    if found and POSITIONAL in (key, *found):
        raise refused(at, "values with and without names are mixed, or there are several without")
    if key in found:
        raise refused(at, f"“{shown(key)}” is given twice")
    found[key] = given
