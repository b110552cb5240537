"""All series that are known, by number, and by each of their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce

from services.monitoring.domain.labels import Labels, Matcher


class Index:
    """An inverted index: label -> value -> numbers of series."""

    def __init__(self) -> None:
        self._numbers: dict[Labels, int] = {}
        self._labels: dict[int, Labels] = {}
        self._postings: dict[str, dict[str, set[int]]] = {}
        self._next = 0

    def __len__(self) -> int:
        """How many series."""
        return len(self._numbers)

    def look(self, labels: Labels) -> int | None:
        """The series' number, if it has one."""
        return self._numbers.get(labels)

    def labels(self, number: int) -> Labels:
        """The series of this number."""
        return self._labels[number]

    def add(self, labels: Labels) -> int:
        """The series' number, a new one if need be."""
        known = self._numbers.get(labels)
        if known is not None:
            return known
        number = self._next
        self._next += 1
        self._numbers[labels] = number
        self._labels[number] = labels
        for name, value in labels:
            self._postings.setdefault(name, {}).setdefault(value, set()).add(number)
        return number

    def keep(self, live: Iterable[int]) -> None:
        """Forget all other series."""
        kept = set(live)
        for number in [number for number in self._labels if number not in kept]:
            labels = self._labels.pop(number)
            del self._numbers[labels]
            for name, value in labels:
                of = self._postings[name]
                of[value].discard(number)
                if not of[value]:
                    del of[value]
                if not of:
                    del self._postings[name]

    def select(self, matchers: Sequence[Matcher]) -> list[int]:
        """Numbers of the series that all matchers hold for."""
        tests = [(one, one.test()) for one in matchers]
        narrow = [self._holding(one, test) for one, test in tests if not test("")]
        wide = [(one.name, test) for one, test in tests if test("")]
        found = reduce(set.intersection, sorted(narrow, key=len)) if narrow else set(self._labels)
        if not wide:
            return sorted(found)
        return sorted(number for number in found if self._tested(number, wide))

    def _holding(self, matcher: Matcher, test: Callable[[str], bool]) -> set[int]:
        """Series with a label of this name whose value passes."""
        values = self._postings.get(matcher.name, {})
        if matcher.op == "=":
            return values.get(matcher.value, set())
        found: set[int] = set()
        return found.union(*(numbers for value, numbers in values.items() if test(value)))

    def _tested(self, number: int, tests: Sequence[tuple[str, Callable[[str], bool]]]) -> bool:
        labels = dict(self._labels[number])
        return all(test(labels.get(name, "")) for name, test in tests)
