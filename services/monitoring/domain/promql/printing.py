"""Expressions as text again, and bound on the way: every selector of them, to what a caller may read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.monitoring.domain.labels import Matcher
from services.monitoring.domain.named import quoted
from services.monitoring.domain.promql.nodes import (
    Aggregate,
    At,
    Binary,
    Call,
    Matching,
    Negative,
    Node,
    Number,
    Range,
    Select,
    Subquery,
    Text,
)
from services.monitoring.domain.promql.wording import number

SIDES = {"left": "group_left", "right": "group_right"}.items()


def bound(node: Node, own: Matcher) -> Node:
    """The expression with this demanded of every series that it reads; what it said of the label itself is dropped for
    one value, and holds besides for an expression.
    """
    if isinstance(node, Select):
        lists = tuple((*(one for one in several if _kept(one, own)), own) for several in node.alternatives)
        return replace(node, alternatives=lists)
    if isinstance(node, Number | Text):
        return node
    if isinstance(node, Call):
        return replace(node, args=tuple(bound(one, own) for one in node.args))
    parts = {name: getattr(node, name) for name in ("select", "of", "param", "left", "right") if hasattr(node, name)}
    inside: dict[str, Any] = {name: bound(part, own) for name, part in parts.items() if part is not None}
    return replace(node, **inside)


def _kept(one: Matcher, own: Matcher) -> bool:
    return one.name != own.name or own.op != "="


def printed(node: Node) -> str:
    """PromQL that parses to the same expression."""
    match node:
        case Number(value):
            text = number(value)
        case Text(value):
            text = quoted(value)
        case Negative(of):
            text = f"-({printed(of)})"
        case Call(name, args):
            text = f"{name}({', '.join(printed(one) for one in args)})"
        case Select() | Range() | Subquery():
            text = _selected(node)
        case Aggregate() | Binary():
            text = _compound(node)
    return text


def _selected(node: Select | Range | Subquery) -> str:
    if isinstance(node, Subquery):
        step = f"{node.step}ms" if node.step else ""
        return f"({printed(node.of)})[{node.span}ms:{step}]{_shift(node.offset, node.at)}"
    select = node.select if isinstance(node, Range) else node
    span = f"[{node.span}ms]" if isinstance(node, Range) else ""
    return f"{_select(select)}{span}{_shift(select.offset, select.at)}"


def _compound(node: Aggregate | Binary) -> str:
    if isinstance(node, Binary):
        truth = " bool" if node.truth else ""
        return f"({printed(node.left)}) {node.op}{truth} {_matching(node.matching)}({printed(node.right)})"
    by = (
        f" {'without' if node.without else 'by'} ({', '.join(node.grouping)}) " if node.grouping or node.without else ""
    )
    inner = [] if node.param is None else [printed(node.param)]
    return f"{node.op}{by}({', '.join([*inner, printed(node.of)])})"


def _matching(matching: Matching) -> str:
    text = ""
    if matching.on or matching.labels:
        text = f"{'on' if matching.on else 'ignoring'} ({', '.join(matching.labels)}) "
    side = next((word for many, word in SIDES if matching.many == many), "")
    return f"{text}{side} ({', '.join(matching.include)}) " if side else text


def _select(select: Select) -> str:
    lists = (", ".join(f"{one.name}{one.op}{quoted(one.value)}" for one in several) for several in select.alternatives)
    return "{" + " or ".join(lists) + "}"


def _shift(offset: int, at: At | None) -> str:
    text = "" if at is None else f" @ {at}()" if isinstance(at, str) else f" @ {number(at / 1000)}"
    if not offset:
        return text
    return f"{text} offset {'-' if offset < 0 else ''}{abs(offset)}ms"
