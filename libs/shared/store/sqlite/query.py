"""From `Find` to SQL, with the same meaning as `matching`: comparisons keep within a type, lists match by member."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from libs.shared.errors import Invalid
from libs.shared.store.fields import Path, Shape, path
from libs.shared.store.matching import bound
from libs.shared.store.protocol import Clause, Equal, Find, OneOf, Prefix, Range
from libs.shared.store.sqlite.schema import Layout, extract, json_path, lone_extract

_LAST: Final = "\U0010ffff"
_SURROGATES: Final = range(0xD800, 0xE000)
"""Code points that are no text."""


@dataclass(slots=True)
class Query:
    """The tail of a SELECT over a collection's table, and its parameters."""

    text: str = ""
    values: list[Any] = field(default_factory=list)
    indexed: bool = True
    """Whether a declared index (or the key) narrows it, or it has no clause at all."""


def selecting(kept: Layout, find: Find, *, paged: bool = True) -> Query:
    """WHERE, ORDER BY and, when paged, LIMIT of this find. Raises `Invalid` for a field that is not there."""
    query = Query()
    parts = [_clause(kept, clause, query.values) for clause in find.where]
    if parts:
        query.text += " WHERE " + " AND ".join(parts)
        query.indexed = any(clause.field in kept.leading for clause in find.where)
    query.text += f" ORDER BY {_order(kept, find.sort)}"
    if paged and (find.limit is not None or find.offset):
        query.text += " LIMIT ? OFFSET ?"
        query.values += [-1 if find.limit is None else max(find.limit, 0), max(find.offset, 0)]
    return query


def counting(kept: Layout, find: Find) -> Query:
    """The WHERE alone: limit and offset don't count."""
    query = Query()
    parts = [_clause(kept, clause, query.values) for clause in find.where]
    if parts:
        query.text = " WHERE " + " AND ".join(parts)
        query.indexed = any(clause.field in kept.leading for clause in find.where)
    return query


def _order(kept: Layout, sort: str) -> str:
    name, way = (sort[1:], " DESC") if sort.startswith("-") else (sort, "")
    if not name:
        return "key"
    if path(kept.kind, name).shape is Shape.MANY:
        raise Invalid("sort-by-list", f"{name!r} of {kept.name} is a list; sort by a plain field")
    return f"key{way}" if _is_key(kept, name) else f"{extract(name)}{way}, key"


def _clause(kept: Layout, clause: Clause, values: list[Any]) -> str:
    resolved = path(kept.kind, clause.field)
    if isinstance(clause, Range) and clause.low is None and clause.high is None:
        return "1"
    if clause.field in kept.lists:
        return f"key IN (SELECT key FROM {kept.lists[clause.field]} WHERE {_test('value', clause, values)})"
    if resolved.shape is not Shape.ONE:
        return _unindexed_list(kept, resolved, clause, values)
    return _test(_expression(kept, clause), clause, values)


def _unindexed_list(kept: Layout, resolved: Path, clause: Clause, values: list[Any]) -> str:
    if resolved.through:
        raise Invalid(
            "find-needs-index", f"{clause.field!r} of {kept.name} goes through a list; declare an index on it"
        )
    where = json_path(clause.field)
    return (
        f"(json_type(body, '{where}') <> 'object' AND EXISTS (SELECT 1 FROM json_each(body, '{where}') AS member"
        f" WHERE {_test('member.atom', clause, values)}))"
    )


def _expression(kept: Layout, clause: Clause) -> str:
    wanted = clause.values if isinstance(clause, OneOf) else (getattr(clause, "value", None),)
    if _is_key(kept, clause.field) and not isinstance(clause, Range) and all(isinstance(one, str) for one in wanted):
        return "key"
    if isinstance(clause, Equal | OneOf) and clause.field in kept.lone and "" not in wanted:
        return lone_extract(clause.field)
    return extract(clause.field)


def _is_key(kept: Layout, name: str) -> bool:
    declared = kept.kind.model_fields.get(name)
    return name == kept.keyed and declared is not None and declared.annotation is str


def _test(expression: str, clause: Clause, values: list[Any]) -> str:
    match clause:
        case Equal():
            values.append(clause.value)
            return f"{expression} = ?"
        case OneOf():
            # SQLite's JSON ends a text at its NUL; no document holds one
            wanted = [one for one in clause.values if not (isinstance(one, str) and "\0" in one)]
            values.append(orjson.dumps(wanted).decode())
            return f"{expression} IN (SELECT value FROM json_each(?))"
        case Prefix():
            return _between(expression, clause.value, _after(clause.value), values)
        case Range():
            return _between(expression, bound(clause.low), bound(clause.high), values)


def _between(expression: str, low: str | int | None, high: str | int | None, values: list[Any]) -> str:
    """`low <= expression < high` within one type; in SQLite's order numbers stand before all text."""
    sides = [side for side in (low, high) if side is not None]
    if len({isinstance(side, str) for side in sides}) > 1:
        return "0"
    parts = [f"{expression} {sign} ?" for sign, side in ((">=", low), ("<", high)) if side is not None]
    values += sides
    if isinstance(sides[0], str) and low is None:
        parts.append(f"{expression} >= ''")
    elif not isinstance(sides[0], str) and high is None:
        parts.append(f"{expression} < ''")
    return "(" + " AND ".join(parts) + ")"


def _after(prefix: str) -> str | None:
    """The least text above all that start with the prefix; None when there is no such text."""
    trimmed = prefix.rstrip(_LAST)
    if not trimmed:
        return None
    code = ord(trimmed[-1]) + 1
    return trimmed[:-1] + chr(_SURROGATES.stop if code in _SURROGATES else code)
