"""A parsed expression, as our own values: the evaluator knows no parser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.monitoring.domain.labels import Matcher

At = float | Literal["start", "end"]
"""Milliseconds since 1970, or the query's own start or end."""


@dataclass(frozen=True, slots=True)
class Number:
    """A scalar."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A string."""

    value: str


@dataclass(frozen=True, slots=True)
class Select:
    """An instant vector. `alternatives` are lists of matchers of which one has to hold (`or` in braces); times are in
    milliseconds here and below.
    """

    alternatives: tuple[tuple[Matcher, ...], ...]
    offset: int = 0
    at: At | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """A range vector."""

    select: Select
    span: int


@dataclass(frozen=True, slots=True)
class Subquery:
    """A range vector from an expression; `step` 0 is the default resolution."""

    of: Node
    span: int
    step: int
    offset: int = 0
    at: At | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A function."""

    name: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`op` by or without `grouping`; `param` is topk's number and the like."""

    op: str
    of: Node
    param: Node | None
    grouping: tuple[str, ...]
    without: bool


@dataclass(frozen=True, slots=True)
class Matching:
    """How series of two vectors find each other. `many` is the side with several: left, right, both (sets), or none."""

    labels: tuple[str, ...] = ()
    on: bool = False
    many: Literal["none", "left", "right", "both"] = "none"
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator; `truth` is the `bool` of a comparison."""

    op: str
    left: Node
    right: Node
    matching: Matching
    truth: bool


@dataclass(frozen=True, slots=True)
class Negative:
    """Unary minus."""

    of: Node


Node = Number | Text | Select | Range | Subquery | Call | Aggregate | Binary | Negative
