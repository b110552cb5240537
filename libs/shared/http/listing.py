"""KubeSphere's listing dialects over any sequence of wire objects, as pure functions (iam-gateway, section 5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from libs.shared.errors import Invalid, Malformed
from libs.shared.objects import selectors

T = TypeVar("T")
JsonObject = Mapping[str, Any]
Filter = Callable[[JsonObject, str], bool]
"""Whether an object passes a filter of this value."""
SortKey = Callable[[JsonObject], Any]

ALIAS = "kubesphere.io/alias-name"
RESERVED = frozenset({"page", "limit", "sortBy", "ascending", "labelSelector"})
GO_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
EVERYTHING = -1
LEGACY_LIMIT = 10
OURS_LIMIT = 100
OURS_MOST = 1000
LONGEST_CURSOR = 512
CONDITION = re.compile(r"([^=~\s()\[\]]*)([=~])(.*)", re.DOTALL)
PARAMETERS = (
    ("page", "which page, from 1"),
    ("limit", "how many on a page; all unless given"),
    ("sortBy", "name, creationTimestamp or createTime (the default)"),
    ("ascending", "true: the smallest or oldest first"),
    ("labelSelector", "Kubernetes' selector; one that doesn't parse selects everything"),
    ("name", "only names that this text is part of"),
    ("names", "only these names, separated by commas"),
    ("alias", "only display names that this text is part of"),
    ("uid", "only the one of this uid"),
    ("label", "only what this label selector matches"),
    ("annotation", "only annotations that this selector matches"),
)
"""What every v1alpha3 list takes, for OpenAPI."""


def metadata(item: JsonObject) -> JsonObject:
    """An object's metadata."""
    found: JsonObject = item.get("metadata") or {}
    return found


def name_of(item: JsonObject) -> str:
    """`metadata.name`."""
    return str(metadata(item).get("name", ""))


def created_of(item: JsonObject) -> tuple[str, str]:
    """`metadata.creationTimestamp`, ties broken by name."""
    return str(metadata(item).get("creationTimestamp") or ""), name_of(item)


def alias_of(item: JsonObject) -> str:
    """The display name."""
    return str((metadata(item).get("annotations") or {}).get(ALIAS, ""))


def _owner(item: JsonObject, field: str, value: str) -> bool:
    return any(owner.get(field) == value for owner in metadata(item).get("ownerReferences") or ())


def _selects(values: Mapping[str, str] | None, text: str) -> bool:
    """Whether a selector matches; one that doesn't parse matches nothing."""
    try:
        return selectors.parse(text).matches(values or {})
    except Invalid:
        return False


DEFAULT_FILTERS: Mapping[str, Filter] = {
    "name": lambda item, value: value in name_of(item),
    "names": lambda item, value: name_of(item) in value.split(","),
    "alias": lambda item, value: value in alias_of(item),
    "uid": lambda item, value: metadata(item).get("uid") == value,
    "namespace": lambda item, value: metadata(item).get("namespace", "") == value,
    "ownerReference": lambda item, value: _owner(item, "uid", value),
    "ownerKind": lambda item, value: _owner(item, "kind", value),
    "label": lambda item, value: _selects(metadata(item).get("labels"), value),
    "annotation": lambda item, value: _selects(metadata(item).get("annotations"), value),
}
DEFAULT_SORTS: Mapping[str, SortKey] = {
    "name": name_of,
    "creationTimestamp": created_of,
    "createTime": created_of,
}


def last(query: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A query as a mapping in which the last of a repeated key wins."""
    return dict(query)


def listed(
    items: Iterable[JsonObject],
    query: Mapping[str, str],
    *,
    filters: Mapping[str, Filter] | None = None,
    sorts: Mapping[str, SortKey] | None = None,
) -> dict[str, Any]:
    """The v1alpha3 dialect: `{"items": [...], "totalItems": N}`.

    Filters are ANDed; one that the resource doesn't know rejects everything. A `labelSelector` that doesn't parse
    selects everything, one in `label` nothing. Newest first unless told otherwise.
    """
    known = {**DEFAULT_FILTERS, **(filters or {})}
    asked = [(known.get(key), value) for key, value in query.items() if key not in RESERVED]
    if any(test is None for test, _ in asked):
        return {"items": [], "totalItems": 0}
    selected = _by_labels(items, query.get("labelSelector", ""))
    found = [item for item in selected if all(test(item, value) for test, value in asked if test is not None)]
    orders = {**DEFAULT_SORTS, **(sorts or {})}
    found.sort(key=orders.get(query.get("sortBy", ""), created_of), reverse=query.get("ascending") not in GO_TRUE)
    return {"items": _page(found, query), "totalItems": len(found)}


def _by_labels(items: Iterable[JsonObject], text: str) -> Iterable[JsonObject]:
    if not text:
        return items
    try:
        selector = selectors.parse(text)
    except Invalid:
        return items
    return [item for item in items if selector.matches(metadata(item).get("labels") or {})]


def _integer(text: str | None, default: int) -> int:
    return int(text) if text is not None and INTEGER.fullmatch(text) else default


def _page(found: Sequence[JsonObject], query: Mapping[str, str]) -> list[JsonObject]:
    limit = _integer(query.get("limit"), EVERYTHING)
    if limit == EVERYTHING:
        return list(found)
    offset = (_integer(query.get("page"), 1) - 1) * limit
    return list(found[offset : offset + limit]) if limit >= 0 and offset >= 0 else []


def listed_legacy(
    items: Iterable[JsonObject],
    query: Mapping[str, str],
    *,
    filters: Mapping[str, Filter] | None = None,
    sorts: Mapping[str, SortKey] | None = None,
) -> dict[str, Any]:
    """The v1alpha2 dialect: `{"items": [...], "total_count": N}`; oldest first, ten a page unless told otherwise.

    Raises `Malformed` for conditions that can't be read.
    """
    conditions = _conditions(query.get("conditions", ""))
    found = [item for item in items if all(_holds(item, c, filters or {}) for c in conditions)]
    orders = {**DEFAULT_SORTS, **(sorts or {})}
    found.sort(key=orders.get(query.get("orderBy", ""), created_of), reverse=query.get("reverse") in GO_TRUE)
    paging = dict(part.split("=", 1) for part in query.get("paging", "").split(",") if "=" in part)
    limit = _integer(paging.get("limit", query.get("limit")), LEGACY_LIMIT)
    page = _integer(paging.get("page", query.get("page")), 1)
    start = _integer(query.get("start"), (page - 1) * limit)
    shown = found[max(0, start) :] if limit < 0 else found[max(0, start) : max(0, start) + limit]
    return {"items": shown, "total_count": len(found)}


def _conditions(text: str) -> list[tuple[str, str, str]]:
    found = []
    for part in filter(None, text.split(",")):
        match = CONDITION.fullmatch(part)
        if match is None:
            raise Malformed("conditions", "invalid conditions")
        found.append((match[1], match[2], match[3]))
    return found


def _holds(item: JsonObject, condition: tuple[str, str, str], filters: Mapping[str, Filter]) -> bool:
    """One condition: `=` is exact, `~` contains; a key that isn't known is a label."""
    key, how, value = condition
    if key in filters:
        return filters[key](item, value)
    if how == "=" and key in EXACT:
        return EXACT[key](item, value)
    if how == "~" and key in FUZZY:
        return FUZZY[key](item, value)
    label = str((metadata(item).get("labels") or {}).get(key, ""))
    return value in label if how == "~" else label == value


EXACT: Mapping[str, Filter] = {
    "name": lambda item, value: name_of(item) in value.split("|"),
    "keyword": lambda item, value: value in name_of(item),
    "owner": lambda item, value: _owner(item, "uid", value),
}
FUZZY: Mapping[str, Filter] = {
    "name": lambda item, value: value in name_of(item) or value in alias_of(item),
    "annotation": lambda _item, _value: False,
    "label": lambda _item, value: not value,  # the original looks up a label without a name
}


def limit_of(query: Mapping[str, str], *, default: int = OURS_LIMIT, most: int = OURS_MOST) -> int:
    """`limit` of our own APIs; raises `Malformed` outside of 1 to `most`."""
    text = query.get("limit", str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= most or len(text) > len(str(most)):
        raise Malformed("limit", f"limit={text[:40]} is not accepted: a whole number from 1 to {most}")
    return int(text)


def after_of(query: Mapping[str, str]) -> str:
    """`after` of our own APIs: the `next` of the page before; raises `Malformed` for what no page has given."""
    text = query.get("after", "")
    if len(text) > LONGEST_CURSOR or not text.isprintable():
        raise Malformed("after", "after is not accepted: give the `next` of the page before")
    return text


def paged(items: Iterable[T], key: Callable[[T], str], query: Mapping[str, str]) -> tuple[list[T], str]:
    """One page of our own APIs, in the order of unique keys, and what `after` of the next page is; empty at the end.

    Things that come or go between two pages move no other thing. Raises `Malformed` as `limit_of` and `after_of`.
    """
    limit, after = limit_of(query), after_of(query)
    found = sorted((item for item in items if key(item) > after), key=key)
    page = found[:limit]
    return page, key(page[-1]) if len(found) > limit else ""
