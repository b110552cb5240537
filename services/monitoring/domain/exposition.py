"""Prometheus' text format (0.0.4, and what of OpenMetrics looks alike), read line by line into samples."""

from __future__ import annotations

import re
from collections.abc import Iterator

from libs.shared.errors import Invalid
from services.monitoring.domain.labels import NAME, Labels

LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*(\{.*\})?[ \t]*([^\s{}]+)(?:[ \t]+(-?[0-9.]+))?(?:[ \t]+#.*)?")
LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
ESCAPE = re.compile(r'\\([\\n"])')
MOST_LABELS = 64
LONGEST = 2048
"""Characters of a label's value; what is longer is a mistake of who exposes it, and the sample is left out."""


class Reader:
    """Reads one target again and again: a series' labels are taken apart once, while it goes on being exposed.

    `own` labels are the target's: they win over those that are exposed.
    """

    def __init__(self, own: dict[str, str], most: int) -> None:
        self._own = own
        self._most = most
        self._known: dict[str, Labels | None] = {}

    def read(self, text: str) -> Iterator[tuple[Labels, float]]:
        """Samples; times in the text are not looked at. Raises `Invalid` for a line that is none, and for too many."""
        seen: dict[str, Labels | None] = {}
        for line in text.splitlines():
            if not line or line[0] == "#":
                continue
            head, value = _halves(line)
            labels = self._known.get(head, ())
            if labels == ():
                labels = self._labels(head)
            seen[head] = labels
            if len(seen) > self._most:
                raise Invalid("exposition", f"more than {self._most} samples are exposed")
            if labels is not None:
                yield labels, value
        self._known = seen

    def _labels(self, head: str) -> Labels | None:
        name, _, rest = head.partition("{")
        if not METRIC.fullmatch(name.strip()):
            raise Invalid("exposition", f"no name of a metric: {head[:200]}")
        found = {NAME: name.strip()}
        rest, at = rest.rpartition("}")[0], 0
        while at < len(rest):
            hit = LABEL.match(rest, at)
            if hit is None:
                raise Invalid("exposition", f"labels can't be read: {head[:200]}")
            found[hit[1]] = ESCAPE.sub(lambda one: "\n" if one[1] == "n" else one[1], hit[2])
            at = hit.end()
        for key, value in self._own.items():
            if key in found and found[key] != value:
                found[f"exported_{key}"] = found[key]
            found[key] = value
        kept = tuple(sorted((key, value) for key, value in found.items() if value))
        return None if len(kept) > MOST_LABELS or any(len(value) > LONGEST for _, value in kept) else kept


def _halves(line: str) -> tuple[str, float]:
    """The series as it is spelt, and the value."""
    cut = line.rfind("}") + 1
    head, rest = (line[:cut], line[cut:]) if cut else line.split(maxsplit=1) if " " in line else (line, "")
    words = rest.split(maxsplit=2)
    if words and " # " in line:  # an exemplar has braces of its own
        found = LINE.fullmatch(line)
        head, words = (f"{found[1]}{found[2] or ''}", [found[3]]) if found else (head, [])
    try:
        return head, float(words[0])
    except (IndexError, ValueError):
        raise Invalid("exposition", f"no sample: {line[:200]}") from None
