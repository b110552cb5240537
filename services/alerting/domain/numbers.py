"""Numbers as Go prints them, which is how Prometheus and its templates do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

SMALLEST_PLAIN = -4
LARGEST_PLAIN = 6
"""Exponents from which on `%v` has one."""
_NAMES: Mapping[float, str] = {math.inf: "+Inf", -math.inf: "-Inf"}


def exponential(number: float) -> str:
    """`strconv.FormatFloat(x, 'e', -1, 64)`: the fewest digits that mean it, such as 1e+00."""
    if not math.isfinite(number):
        return _NAMES.get(number, "NaN")
    sign, digits, exponent = _parts(number)
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def plain(number: float) -> str:
    """`fmt.Sprint(x)`: with an exponent where it is below -4 or from 6 on (`%v`)."""
    if not math.isfinite(number):
        return _NAMES.get(number, "NaN")
    sign, digits, exponent = _parts(number)
    if exponent < SMALLEST_PLAIN or exponent >= LARGEST_PLAIN:
        return exponential(number)
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _parts(number: float) -> tuple[str, str, int]:
    """Sign, the shortest digits that mean it, and the exponent of the first."""
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    text = "".join(map(str, digits))
    return "-" * sign, text, (int(exponent) + len(text) - 1) if number else 0
