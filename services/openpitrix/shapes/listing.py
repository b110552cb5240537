"""Lists as OpenPitrix' clients ask for them: `conditions`, `paging`, `reverse` (devops-apps-mesh 0.3, style B)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from libs.shared.errors import Malformed
from libs.shared.http.listing import CONDITION, GO_TRUE, INTEGER

PAGING: Final = re.compile(r"limit=(-?\d{1,9}),page=(\d{1,9})")
DEFAULT: Final = 10
EVERYTHING: Final = -1
MOST_CONDITIONS: Final = 50
PARAMETERS: Final = (
    ("conditions", "key=value pairs, separated by commas; values joined by | mean any of them"),
    ("paging", "limit=N,page=N"),
    ("limit", "how many on a page, 10 unless given, -1 for all"),
    ("page", "which page, from 1"),
    ("start", "how many to pass over, in place of page"),
    ("reverse", "true: the other way round"),
    ("orderBy", "taken and ignored, as the original does"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A list as it is asked for."""

    conditions: Mapping[str, str] = field(default_factory=dict)
    limit: int = DEFAULT
    offset: int = 0
    reverse: bool = False

    def any_of(self, key: str) -> frozenset[str] | None:
        """The values that a condition takes; None where there is none."""
        text = self.conditions.get(key)
        return None if text is None else frozenset(text.split("|"))

    @property
    def keyword(self) -> str:
        """What is searched for, in lower case; empty for everything."""
        return self.conditions.get("keyword", "").lower()


def asked(query: Mapping[str, str]) -> Asked:
    """Read it; raises `Malformed` for conditions that can't be read. `~` conditions are read and ignored."""
    found = {}
    parts = [part for part in query.get("conditions", "").split(",") if part]
    for part in parts[:MOST_CONDITIONS]:
        match = CONDITION.fullmatch(part)
        if match is None:
            raise Malformed("conditions", "invalid conditions")
        if match[2] == "=":
            found[match[1]] = match[3]
    paging = PAGING.fullmatch(query.get("paging", ""))
    if paging is not None:
        limit, page = int(paging[1]), int(paging[2])
    elif "paging" in query:
        limit, page = DEFAULT, 1
    else:
        limit, page = _integer(query.get("limit"), DEFAULT), _integer(query.get("page"), 1)
    offset = _integer(query.get("start"), (max(page, 1) - 1) * max(limit, 0))
    return Asked(found, limit, max(0, offset), query.get("reverse") in GO_TRUE)


def page(items: Sequence[Any], how: Asked) -> tuple[list[Any], int]:
    """One page, and how many there are in all. A negative limit other than -1 gives none."""
    total = len(items)
    if how.limit == EVERYTHING:
        return list(items[how.offset :]), total
    return list(items[how.offset : how.offset + max(how.limit, 0)]), total


def answer(items: Sequence[Mapping[str, Any]], total: int) -> dict[str, Any]:
    """The list on the wire."""
    return {"items": list(items), "total_count": total}


def _integer(text: str | None, default: int) -> int:
    return int(text) if text is not None and INTEGER.fullmatch(text) else default
