"""Ant's patterns for names with parts: `*` and `?` within a part, `**` over parts. None takes long, whatever it is."""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches(name: str, pattern: str) -> bool:
    """Whether a pattern names it; one that ends with a slash means all below."""
    whole = pattern + "**" if pattern.endswith("/") else pattern
    return _parts(name.split("/"), whole.replace("[", "[[]").split("/"))


def _parts(names: list[str], patterns: list[str]) -> bool:
    """Part by part, with the places that `**` may have come to: never more work than names times patterns."""
    places = {0}
    for pattern in patterns:
        if not places:
            return False
        if pattern == "**":
            places = set(range(min(places), len(names) + 1))
        else:
            places = {at + 1 for at in places if at < len(names) and fnmatchcase(names[at], pattern)}
    return len(names) in places
