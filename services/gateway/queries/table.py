"""The committed table of routes, read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from libs.shared.http.route import May, Mine, Question, Where
from services.gateway.domain.route import Entry, Table

KINDS: Mapping[str, Callable[..., Question]] = {"May": May, "Mine": Mine, "Where": Where}
FILE = Path(__file__).parents[1] / "routes.json"


def read_table(file: Path = FILE) -> Table:
    """The table that `hack/routes.py` has written."""
    return Table(_entry(row) for row in orjson.loads(file.read_bytes()))


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(**{**row, "questions": tuple(_question(asked) for asked in row.get("questions", ()))})


def _question(row: Mapping[str, str]) -> Question:
    fields = {key: value for key, value in row.items() if key != "kind"}
    return KINDS[row["kind"]](**fields)
