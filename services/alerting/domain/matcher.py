"""Matchers of labels: what a global rule is bound to, and what a reader asks for in PromQL's or the console's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from libs.shared.errors import Malformed
from libs.shared.regex import compiled

Test = Callable[[str], bool]
SPECIAL = "\\.+*?()|[]{}^$"
OPS = ("=", "!=", "=~", "!~")
MOST = 32
LONGEST = 1024
_ONE = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*")\s*(,|$)')
_ESCAPE = re.compile(r"\\(.)")
_NAMED: Mapping[str, str] = {"n": "\n", "t": "\t", "r": "\r"}


class Matcher(BaseModel):
    """One label's test: `op` is =, !=, =~, !~, an expression that holds for the whole value, or ~, a part of it."""

    model_config = ConfigDict(frozen=True)

    name: str
    op: str
    value: str

    def test(self) -> Test:
        """The test of a label's value. Raises `Invalid` for an expression that can't be read."""
        wanted, same = self.value, self.op in ("=", "=~")
        if self.op == "~":
            return lambda value: wanted in value
        if self.op in ("=", "!="):
            return lambda value: (value == wanted) is same
        pattern = compiled(wanted)
        return lambda value: (pattern.fullmatch(value) is not None) is same


def literal(value: str) -> str:
    """A value within an expression, meaning itself alone."""
    return "".join(f"\\{sign}" if sign in SPECIAL else sign for sign in value)


def matcher_of(label: str, selector: Mapping[str, Any]) -> Matcher | None:
    """A selector of a global rule: one of some values, or a matcher of its own; None where it says nothing."""
    values = [str(value) for value in selector.get("inValues") or ()]
    if len(values) == 1:
        return Matcher(name=label, op="=", value=values[0])
    if values:
        return Matcher(name=label, op="=~", value=f"({'|'.join(map(literal, values))})")
    own = selector.get("matcher") or {}
    return Matcher(name=label, op=str(own.get("type", "")), value=str(own.get("value", ""))) if own else None


def filtered(text: str) -> tuple[Matcher, ...]:
    """The console's filters: `k=v,k~part`, where `~` is a part of the value as it is written. What is neither selects
    nothing by itself and is passed over.
    """
    found: list[Matcher] = []
    for part in text.split(",")[:MOST] if len(text) <= LONGEST else ():
        for sign, op in (("~", "~"), ("=", "=")):
            name, at, value = part.partition(sign)
            if at and name and "=" not in name:
                found.append(Matcher(name=name.strip(), op=op, value=value))
                break
    return tuple(found)


def parsed(text: str) -> tuple[Matcher, ...]:
    """PromQL's selector without a name: `{severity="critical",pod!=""}`. Raises `Malformed`."""
    inner = text.strip()
    if len(inner) > LONGEST or not inner.startswith("{") or not inner.endswith("}"):
        raise _refused(text)
    found: list[Matcher] = []
    at, inner = 0, inner[1:-1]
    while inner[at:].strip():
        match = _ONE.match(inner, at)
        if match is None or len(found) >= MOST:
            raise _refused(text)
        value = _ESCAPE.sub(lambda escape: _NAMED.get(escape[1], escape[1]), match[3][1:-1])
        found.append(Matcher(name=match[1], op=match[2], value=value))
        at = match.end()
    return tuple(found)


def _refused(text: str) -> Malformed:
    said = "".join(sign if sign.isprintable() else "?" for sign in text[:80])
    return Malformed("label-matcher", f'{said} is no matcher of labels: {{name="value", other=~"a|b"}} is accepted')
