"""Order of chart versions (semver.org, 2.0): what Helm sorts by."""

from __future__ import annotations

import re
from typing import Final

PATTERN: Final = re.compile(
    r"v?(0|[1-9]\d{0,17})(?:\.(0|[1-9]\d{0,17}))?(?:\.(0|[1-9]\d{0,17}))?"
    r"(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?"
    r"(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
LONGEST: Final = 128

Order = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]
LEAST: Final[Order] = (-1, -1, -1, 0, ())


def valid(text: str) -> bool:
    """Whether Helm takes it for a version."""
    return len(text) <= LONGEST and PATTERN.fullmatch(text) is not None


def order(text: str) -> Order:
    """A key to sort by; a pre-release comes before its release, build metadata doesn't count, nonsense comes first."""
    match = PATTERN.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        return LEAST
    major, minor, patch = (int(part or 0) for part in match.group(1, 2, 3))
    parts = match[4].split(".") if match[4] else []
    return major, minor, patch, 0 if parts else 1, tuple(_part(one) for one in parts)


def prerelease(text: str) -> bool:
    """Whether it is one of those that come before a release."""
    match = PATTERN.fullmatch(text) if len(text) <= LONGEST else None
    return match is not None and bool(match[4])


def _part(text: str) -> tuple[int, int, str]:
    return (0, int(text[:18]), "") if text.isdigit() else (1, 0, text)
