"""What is asked of an index, as values that every store translates: text in them is text, never a syntax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from re import compile as compiled

_SPECIAL = compiled(r"([^A-Za-z0-9_\- \x80-\U0010ffff])")


@dataclass(frozen=True, slots=True)
class Term:
    """The field's whole value is one of these."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """The field holds one of these phrases, word for word; with `prefix` the last word may go on."""

    field: str
    texts: tuple[str, ...]
    prefix: bool = True


@dataclass(frozen=True, slots=True)
class Glob:
    """The field's whole value fits one of these, in which `*` is any text and `?` any character."""

    field: str
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """The field's whole value fits one of these regular expressions. They are made here, of escaped names."""

    field: str
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Since:
    """Not before this moment, in milliseconds."""

    ms: int


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of these."""

    parts: tuple[Wish, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of these: of none, nothing."""

    parts: tuple[Wish, ...]


Wish = Term | Phrase | Glob | Shape | Since | AllOf | AnyOf
EVERYTHING = AllOf(())
NOTHING = AnyOf(())


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment to a moment, both included, in milliseconds; None is open."""

    low: int | None = None
    high: int | None = None

    @property
    def empty(self) -> bool:
        """Whether it ends before it begins."""
        return self.low is not None and self.high is not None and self.high < self.low


@dataclass(frozen=True, slots=True)
class Page:
    """A window on what is found: by time, newest first unless `oldest`; ties in the order of arrival."""

    offset: int = 0
    size: int = 10
    oldest: bool = False


def escaped(text: str) -> str:
    """A text as a regular expression that fits it alone, in every store's syntax."""
    return _SPECIAL.sub(r"\\\1", text)


def every(parts: Sequence[Wish]) -> Wish:
    """All of these, as one."""
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))
