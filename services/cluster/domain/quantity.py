"""Kubernetes' quantities (`100m`, `16Mi`), as exact numbers and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

SUFFIXES: Mapping[str, Fraction] = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "": Fraction(1),
    **{letter: Fraction(1000**power) for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": Fraction(1024**power) for power, letter in enumerate("KMGTPE", 1)},
}
NUMBER = re.compile(r"([+-]?[0-9]{1,19}(?:\.[0-9]{1,19})?)(?:[eE]([+-]?[0-9]{1,2})|([numkMGTPE]|[KMGTPE]i)?)")


def number(text: Any) -> Fraction:
    """What a quantity means; 0 for what is none."""
    found = NUMBER.fullmatch(str(text).strip())
    if found is None:
        return Fraction(0)
    digits, exponent, suffix = found.groups()
    return Fraction(digits) * (Fraction(10) ** int(exponent) if exponent else SUFFIXES[suffix or ""])


def cores(value: Fraction) -> str:
    """CPU as Kubernetes writes it: whole cores, or thousandths."""
    return str(int(value)) if value.denominator == 1 else f"{-(-value * 1000 // 1)}m"


def binary(value: Fraction) -> str:
    """Bytes as Kubernetes writes them: the largest unit that gives a whole number."""
    whole = int(-(-value // 1))
    for power in range(6, 0, -1):
        if whole and whole % 1024**power == 0:
            return f"{whole // 1024**power}{'KMGTPE'[power - 1]}i"
    return str(whole)
