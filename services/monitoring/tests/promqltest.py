"""Reads Prometheus' own test files (`promqltest`): series to load, expressions, and what they are to give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, nan

from services.monitoring.clients.parser import parsed
from services.monitoring.domain.arrays import np
from services.monitoring.domain.labels import NAME, Labels, Matcher, labels_of
from services.monitoring.domain.promql.frames import STALE, Series

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}
NATIVE = ("{{", "histogram_count", "histogram_sum", "histogram_avg", "histogram_fraction", "histogram_std", "nhcb")


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


def cases(text: str) -> Iterator[tuple[Memory, Case, bool]]:
    """Each case with what was loaded before it, and whether native histograms are among that."""
    memory, step, current, native = Memory(), 0, None, False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        word = line.split()[0]
        if not raw[0].isspace():
            if current is not None:
                yield memory, current, native
            current = None
        if word == "clear":
            memory, native = Memory(), False
        elif word in ("load", "load_with_nhcb"):
            step = milliseconds(line.split()[1])
            native = native or word == "load_with_nhcb"
        elif word.startswith("eval"):
            current = case(line, number)
        elif current is None:
            native = native or "{{" in line
            if "{{" not in line:
                memory.series.append(loaded(line, step))
        elif word == "expect":
            current.fails = current.fails or line.startswith("expect fail")
            if line.startswith("expect string "):
                current.wanted.append(line.removeprefix("expect string "))
        else:
            current.native = current.native or "{{" in line
            current.wanted.append(line)
    if current is not None:
        yield memory, current, native


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
    cut = text.rindex("}") + 1 if "}" in text else len(text.split()[0])
    head, rest = text[:cut].strip(), text[cut:].strip()
    if head == "{}":
        return (), rest
    node = parsed(head)
    (matchers,) = node.alternatives
    return labels_of((one.name, one.value) for one in matchers), rest


def numbers(text: str) -> list[float | None]:
    """`0+10x3`, `1 _ 2x2`, `stale`: a value a step, None for none."""
    found: list[float | None] = []
    for word in text.split():
        hit = re.fullmatch(r"([-+]?(?:[\d.]+(?:e[-+]?\d+)?|Inf|NaN|_|stale))?(?:([-+][\d.]+(?:e[-+]?\d+)?))?(?:x(\d+))?", word, re.I)
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


def name_of(labels: Labels) -> str:
    return dict(labels).get(NAME, "")
