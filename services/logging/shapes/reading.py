"""Query parameters, as leniently as the original reads them: strict about times alone (observability 3.1, 4.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from multidict import MultiMapping

from libs.shared.errors import Invalid, Malformed
from services.logging.domain.entry import LAST_MS
from services.logging.domain.interval import Interval, interval_of
from services.logging.domain.space import Names
from services.logging.domain.wanted import Page, Span

WINDOW = 10_000
"""How far `from` and `size` together may reach."""
MOST_ITEMS = 1024
LONGEST_ITEM = 1024
PARAMETERS = (
    ("start_time", "only from this moment on, in seconds since 1970"),
    ("end_time", "only up to this moment, in seconds since 1970"),
    ("interval", "width of a histogram's bucket, 15m unless given"),
    ("sort", "asc for the oldest first"),
    ("from", "where the page begins, 0 unless given"),
    ("size", f"how many, 10 unless given; up to {WINDOW} together with from"),
)
USUAL_INTERVAL = "15m"
NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
HUGE = re.compile(r"[+-]?[0-9]{19,}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What every query has: `operation` is query, statistics, histogram or export."""

    operation: str
    span: Span
    page: Page
    interval: Interval | None


def asked(query: MultiMapping[str], operations: frozenset[str]) -> Asked:
    """Read it. Raises `Malformed` in Go's words for a time that is no number, `Invalid` for what is out of bounds."""
    low, high = seconds(query, "start_time"), seconds(query, "end_time")
    operation = query.get("operation", "query")
    span = Span(
        None if low is None else low * 1000,
        None if high is None else high * 1000 + 999,
    )
    interval = interval_of(query.get("interval", USUAL_INTERVAL)) if operation == "histogram" else None
    known = operation if operation in operations else "query"
    return Asked(known, span, page(query), interval)


def seconds(query: MultiMapping[str], name: str) -> int | None:
    """A moment in seconds since 1970; what lies before that is its beginning."""
    text = query.get(name, "")
    if not text:
        return None
    if HUGE.fullmatch(text):
        raise Malformed("number", f'strconv.ParseInt: parsing "{text[:40]}": value out of range')
    if not NUMBER.fullmatch(text):
        raise Malformed("number", f'strconv.ParseInt: parsing "{text[:40]}": invalid syntax')
    value = max(int(text), 0)
    if value * 1000 > LAST_MS:
        raise Invalid("time", f"{name} should be in seconds since 1970, up to the year 9999; this is {text}")
    return value


def page(query: MultiMapping[str]) -> Page:
    """The window: what is no number is the default, and a size of 0 as well."""
    offset, size = number(query.get("from", "")) or 0, number(query.get("size", "")) or 10
    if offset < 0 or size < 0 or offset + size > WINDOW:
        raise Invalid("window", f"from and size should be 0 or more, and {WINDOW} at most together; export gives all")
    return Page(offset, size, oldest=query.get("sort") == "asc")


def number(text: str) -> int | None:
    """A whole number, None for what is none."""
    return int(text) if NUMBER.fullmatch(text) else None


def lists(query: MultiMapping[str], names: Iterable[str]) -> dict[str, list[str]]:
    """The comma lists of these parameters that are there and not empty, their empty items left out. Raises `Invalid`
    for more or longer ones than are looked at.
    """
    found = {}
    for name in names:
        text = query.get(name, "")
        if not text:
            continue
        items = [item for item in text.split(",") if item]
        if len(items) > MOST_ITEMS or any(len(item) > LONGEST_ITEM for item in items):
            raise Invalid("list", f"{name} may hold {MOST_ITEMS} items of {LONGEST_ITEM} characters at most")
        found[name] = items
    return found


def names(found: Mapping[str, list[str]], namespaces: str, parts: str, workspaces: str, workspace_parts: str) -> Names:
    """The filters of namespaces and workspaces, by what their parameters are called here."""
    return Names(found.get(namespaces), found.get(parts), found.get(workspaces), found.get(workspace_parts))
