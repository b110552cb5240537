"""PromQL's syntax by `promql-parser`, turned into our own nodes; its errors and types end here."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib import import_module
from typing import Any

from libs.shared.errors import Invalid
from services.monitoring.domain.labels import NAME, Matcher
from services.monitoring.domain.moment import FARTHEST
from services.monitoring.domain.promql.aggregating import AGGREGATIONS
from services.monitoring.domain.promql.evaluator import OFFERED
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
from services.monitoring.domain.regex import compiled

LONGEST = 16 << 10
DEEPEST = 120
"""Nesting that is walked; an expression that people write has some ten levels."""
MOST_STEPS = 300
"""The parser recurses on its tree, and ends the process where the stack ends: at some thousands of levels."""
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*'", re.DOTALL)
STEP = re.compile(r"[(\[{+*/%^<>-]|==|!=|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
OPS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}.items()
MANY = (("ManyToMany", "both"), ("ManyToOne", "left"), ("OneToMany", "right"))
INSTANT = re.compile(r"@ (-?[0-9]+(?:\.[0-9]+)?)")


def parsed(text: str) -> Node:
    """The expression; raises `Invalid` with the parser's own words."""
    if len(text) > LONGEST:
        raise refused(f"the expression has {len(text)} characters; {LONGEST} are accepted")
    if _steps(text) > MOST_STEPS:
        raise refused(f"the expression has more than {MOST_STEPS} operators and brackets")
    try:
        return _node(import_module("promql_parser").parse(text), 0)
    except (ValueError, OverflowError) as error:
        raise refused(f"parse error: {error}") from None


def refused(said: str) -> Invalid:
    """The refusal of an expression."""
    return Invalid("promql", said)


def _steps(text: str) -> int:
    """What the parser may recurse on, at most: brackets, operators, signs; those in a text are none. Where a text might
    be taken for one that is none to the parser (comments, backquotes), all of it is counted.
    """
    if "#" not in text and "`" not in text:
        text = QUOTED.sub("", text)
    return len(STEP.findall(text))


def _node(tree: Any, depth: int) -> Node:
    if depth > DEEPEST:
        raise refused(f"the expression is nested more than {DEEPEST} deep")
    node: Node
    match type(tree).__name__:
        case "NumberLiteral":
            node = Number(float(tree.val))
        case "StringLiteral":
            node = Text(tree.val)
        case "VectorSelector":
            node = _select(tree)
        case "MatrixSelector":
            node = Range(_select(tree.vector_selector), _ms(tree.range))
        case kind:
            node = _compound(kind, tree, depth)
    return node


def _compound(kind: str, tree: Any, depth: int) -> Node:
    match kind:
        case "ParenExpr":
            return _node(tree.expr, depth + 1)
        case "UnaryExpr":
            return Negative(_node(tree.expr, depth + 1))
        case "Call":
            return _call(tree, depth)
        case "SubqueryExpr":
            inner, step = _node(tree.expr, depth + 1), _ms(tree.step) if tree.step else 0
            return Subquery(inner, _ms(tree.range), step, _ms(tree.offset), _at(tree))
        case "AggregateExpr":
            return _aggregate(tree, depth)
        case "BinaryExpr":
            left, right = _node(tree.lhs, depth + 1), _node(tree.rhs, depth + 1)
            truth = bool(tree.modifier and tree.modifier.return_bool)
            return Binary(str(tree.op), left, right, _matching(tree.modifier), truth)
    raise refused(f"{kind} is not understood here")


def _call(tree: Any, depth: int) -> Call:
    if tree.func.name not in OFFERED:
        raise refused(f"the function {tree.func.name} is not offered here")
    return Call(tree.func.name, tuple(_node(one, depth + 1) for one in tree.args))


def _aggregate(tree: Any, depth: int) -> Aggregate:
    if str(tree.op) not in AGGREGATIONS:
        raise refused(f"the aggregation {tree.op} is not offered here")
    param = None if tree.param is None else _node(tree.param, depth + 1)
    by = tree.modifier
    excluded = by is not None and str(by.type).endswith("Without")
    return Aggregate(str(tree.op), _node(tree.expr, depth + 1), param, tuple(by.labels) if by else (), excluded)


def _matching(modifier: Any) -> Matching:
    if modifier is None:
        return Matching()
    if modifier.fill_values is not None and (modifier.fill_values.lhs, modifier.fill_values.rhs) != (None, None):
        raise refused("fill modifiers are not understood here")
    many: Any = next((side for name, side in MANY if str(modifier.card).endswith(name)), "none")
    labels = modifier.matching
    on = labels is not None and str(labels.type).endswith("Include")
    return Matching(tuple(labels.labels) if labels else (), on, many, tuple(modifier.group_labels or ()))


def _select(tree: Any) -> Select:
    named = (Matcher(NAME, "=", tree.name),) if tree.name else ()
    lists = tree.matchers.or_matchers or [tree.matchers.matchers]
    alternatives = tuple(named + tuple(_matcher(one) for one in several) for several in lists)
    return Select(alternatives, _ms(tree.offset), _at(tree))


def _matcher(one: Any) -> Matcher:
    op = next(ours for theirs, ours in OPS if str(one.op).endswith(f".{theirs}"))
    if op in ("=~", "!~"):
        compiled(one.value)  # what RE2 refuses is refused while parsing, as every other error of syntax
    return Matcher(one.name, op, one.value)


def _at(tree: Any) -> At | None:
    if tree.at is None:
        return None
    kind = str(tree.at.type)
    if kind.endswith("Start"):
        return "start"
    if kind.endswith("End"):
        return "end"
    # The library's own reading of a moment before 1970 ends the process's thread; its text is safe to read.
    found = INSTANT.search(tree.prettify().rsplit("}", 1)[-1])
    if found is None or abs(float(found[1])) > FARTHEST:
        raise refused("the moment after @ can't be read")
    return float(found[1]) * 1000


def _ms(span: timedelta | None) -> int:
    return 0 if span is None else round(span.total_seconds() * 1000)
