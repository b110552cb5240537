"""Labels of series, and what selects series by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from services.monitoring.domain.regex import compiled

NAME = "__name__"
Labels = tuple[tuple[str, str], ...]
"""Sorted by name, no empty value; the metric's name is `__name__`."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """`op` is =, !=, =~ or !~; expressions hold for the whole value. A label that a series lacks counts as empty."""

    name: str
    op: str
    value: str

    def test(self) -> Callable[[str], bool]:
        """The test of a label's value; raises `Invalid` for a bad expression."""
        wanted = self.value
        if self.op == "=":
            return lambda value: value == wanted
        if self.op == "!=":
            return lambda value: value != wanted
        pattern = compiled(wanted)
        if self.op == "=~":
            return lambda value: pattern.fullmatch(value) is not None
        return lambda value: pattern.fullmatch(value) is None


def labels_of(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """Labels from pairs in any order; an empty value is none."""
    found = dict(pairs)
    return tuple(sorted((name, value) for name, value in found.items() if value))


def without(labels: Labels, names: Iterable[str]) -> Labels:
    """The labels but these."""
    gone = frozenset(names)
    return tuple(pair for pair in labels if pair[0] not in gone)


def only(labels: Labels, names: Iterable[str]) -> Labels:
    """Of the labels these."""
    kept = frozenset(names)
    return tuple(pair for pair in labels if pair[0] in kept)


def unnamed(labels: Labels) -> Labels:
    """The labels without the metric's name."""
    return tuple(pair for pair in labels if pair[0] != NAME)


def changed(labels: Labels, new: Mapping[str, str]) -> Labels:
    """The labels with these set; an empty value removes one."""
    return labels_of(dict(labels) | dict(new))
