"""Reads Prometheus' own test files (`promqltest`): series to load, expressions, and what they are to give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, nan

from services.monitoring.clients.parser import parsed
from services.monitoring.domain.arrays import np
from services.monitoring.domain.labels import Labels, Matcher, labels_of
from services.monitoring.domain.promql.frames import STALE, Series
from services.monitoring.domain.promql.nodes import Select

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}


@dataclass
class Memory:
    """A source that is a list."""

    series: list[Series] = field(default_factory=list)

    def select(self, matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Series]:
        found = []
        tests = [(one.name, one.test()) for one in matchers]
        for one in self.series:
            labels = dict(one.labels)
            if all(test(labels.get(name, "")) for name, test in tests):
                kept = (one.times >= start) & (one.times <= end)
                if kept.any():
                    found.append(Series(one.labels, one.times[kept], one.values[kept]))
        return found


@dataclass
class Case:
    """One `eval`: times in milliseconds; `wanted` lines as they stand."""

    line: int
    kind: str
    start: int
    end: int
    step: int
    query: str
    wanted: list[str] = field(default_factory=list)
    fails: bool = False
    native: bool = False


def milliseconds(text: str) -> int:
    """`1h30m`, or a number of seconds."""
    if re.fullmatch(r"-?[\d.]+", text):
        return round(float(text) * 1000)
    sign = -1 if text.startswith("-") else 1
    return sign * round(sum(float(n) * UNITS[u] for n, u in re.findall(r"([\d.]+)(ms|[smhdwy])", text)))


class Reader:
    """Goes through a file, line by line."""

    def __init__(self) -> None:
        self.memory, self.step, self.native = Memory(), 0, False
        self.current: Case | None = None

    def command(self, word: str, line: str, number: int) -> None:
        """A line at the left edge."""
        if word == "clear":
            self.memory, self.native = Memory(), False
        elif word.startswith("load"):
            self.step = milliseconds(line.split()[1])
            self.native = self.native or word == "load_with_nhcb"
        else:
            self.current = case(line, number)

    def detail(self, word: str, line: str) -> None:
        """An indented line: of a load, or of a case."""
        if self.current is None:
            self.native = self.native or "{{" in line
            if "{{" not in line:
                self.memory.series.append(loaded(line, self.step))
        elif word != "expect":
            self.current.native = self.current.native or "{{" in line
            self.current.wanted.append(line)
        else:
            self.current.fails = self.current.fails or line.startswith("expect fail")
            if line.startswith("expect string "):
                self.current.wanted.append(line.removeprefix("expect string "))


def cases(text: str) -> Iterator[tuple[Memory, Case, bool]]:
    """Each case with what was loaded before it, and whether native histograms are among that."""
    reader = Reader()
    for number, raw in enumerate([*text.splitlines(), "clear"], 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        word = line.split()[0]
        if raw[0].isspace():
            reader.detail(word, line)
            continue
        if reader.current is not None:
            yield reader.memory, reader.current, reader.native
        reader.current = None
        reader.command(word, line, number)


def case(line: str, number: int) -> Case:
    found = re.match(r"eval(_\w+)? instant at (\S+) (.*)", line)
    if found:
        at = milliseconds(found[2])
        return Case(number, "instant", at, at, 0, found[3], fails=found[1] == "_fail")
    found = re.match(r"eval(_\w+)? range from (\S+) to (\S+) step (\S+) (.*)", line)
    assert found, line
    start, end, step = (milliseconds(found[place]) for place in (2, 3, 4))
    return Case(number, "matrix", start, end, step, found[5], fails=found[1] == "_fail")


def described(text: str) -> tuple[Labels, str]:
    """`name{labels} values` -> labels, values."""
    cut = text.rindex("}") + 1 if "}" in text else len(text.split(maxsplit=1)[0])
    head, rest = text[:cut].strip(), text[cut:].strip()
    if head == "{}":
        return (), rest
    node = parsed(head)
    assert isinstance(node, Select)
    (matchers,) = node.alternatives
    return labels_of((one.name, one.value) for one in matchers), rest


def numbers(text: str) -> list[float | None]:
    """`0+10x3`, `1 _ 2x2`, `stale`: a value a step, None for none."""
    found: list[float | None] = []
    for word in text.split():
        hit = re.fullmatch(
            r"([-+]?(?:[\d.]+(?:e[-+]?\d+)?|Inf|NaN|_|stale))?(?:([-+][\d.]+(?:e[-+]?\d+)?))?(?:x(\d+))?",
            word,
            re.IGNORECASE,
        )
        assert hit, word
        first, grows, times = hit[1], hit[2], int(hit[3] or 0)
        if first == "_":
            found += [None] * (times or 1)
            continue
        begin = number(first)
        found += [begin + float(grows or 0) * place for place in range(times + 1)] if begin != STALE else [begin]
    return found


def number(text: str) -> float:
    return {"inf": inf, "+inf": inf, "-inf": -inf, "nan": nan, "stale": float(STALE)}.get(text.lower()) or float(text)


def loaded(line: str, step: int) -> Series:
    labels, rest = described(line)
    pairs = [(place * step, value) for place, value in enumerate(numbers(rest)) if value is not None]
    values = np.array([value for _, value in pairs])
    values.view(np.uint64)[values == float(STALE)] = STALE
    return Series(labels, np.array([at for at, _ in pairs], dtype=np.int64), values)
