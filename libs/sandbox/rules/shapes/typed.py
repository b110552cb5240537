"""Types of fields as data, and the check of a value against them. Fields that no type is known of are left open."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from libs.shared.errors import Malformed

_BOUND: Final = 1 << 31
_DIGITS: Final = r"([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})"
_QUANTITY: Final = re.compile(rf"[+-]?{_DIGITS}([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{{1,2}})?")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value without parts: what it is called, and whether something is one."""

    what: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Each:
    """An object whose members, whatever they are called, are all of one type."""

    of: Type


Type = Scalar | Each | list["Type"] | dict[str, "Type"]
"""A list holds the type of its items; a dict the types of an object's members."""


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_BOUND <= value < _BOUND


def _is_quantity(value: Any) -> bool:
    if isinstance(value, str):
        return _QUANTITY.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_base64(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        base64.b64decode(value, validate=True)
    except ValueError:
        return False
    return True


TEXT: Final = Scalar("a text", lambda value: isinstance(value, str))
NUMBER: Final = Scalar("a whole number of 32 bits", _whole)
FLAG: Final = Scalar("true or false", lambda value: isinstance(value, bool))
EITHER: Final = Scalar("a whole number or a text", lambda value: isinstance(value, str) or _whole(value))
QUANTITY: Final = Scalar("a quantity such as 250m or 64Mi", _is_quantity)
BASE64: Final = Scalar("a text in base64", _is_base64)
OBJECT: Final[dict[str, Type]] = {}
TEXTS: Final = Each(TEXT)
BLOBS: Final = Each(BASE64)
QUANTITIES: Final = Each(QUANTITY)
SELECTOR: Final[dict[str, Type]] = {
    "matchLabels": TEXTS,
    "matchExpressions": [{"key": TEXT, "operator": TEXT, "values": [TEXT]}],
}


def texts(names: str) -> dict[str, Type]:
    """Members that are texts, their names written with spaces between them."""
    return dict.fromkeys(names.split(), TEXT)


def check(value: Any, wanted: Type, about: str, path: str = "") -> None:
    """Raise `Malformed` with the path of the first member that is of another type; null is as good as nothing."""
    if isinstance(wanted, Scalar):
        if not wanted.fits(value):
            raise _other(about, path, wanted.what, value)
    elif isinstance(wanted, list):
        _check_list(value, wanted[0], about, path)
    else:
        _check_object(value, wanted, about, path)


def _check_list(value: Any, of: Type, about: str, path: str) -> None:
    if not isinstance(value, list):
        raise _other(about, path, "a list", value)
    for place, item in enumerate(value):
        check(item, of, about, f"{path}[{place}]")


def _check_object(value: Any, wanted: Each | dict[str, Type], about: str, path: str) -> None:
    if not isinstance(value, Mapping):
        raise _other(about, path, "an object", value)
    if isinstance(wanted, Each):
        for key, item in value.items():
            if item is not None:
                check(item, wanted.of, about, f"{path}[{key[:80]}]")
        return
    for field, of in wanted.items():
        item = value.get(field)
        if item is not None:
            check(item, of, about, f"{path}.{field}" if path else field)


def _other(about: str, path: str, what: str, value: Any) -> Malformed:
    return Malformed("field-mistyped", f"{about}: {path} has to be {what}, not {_called(value)}")


def _called(value: Any) -> str:
    for kind, name in ((bool, "a flag"), (str, "a text"), (int, "a number"), (float, "a fraction"), (list, "a list")):
        if isinstance(value, kind):
            return name
    return "an object" if isinstance(value, Mapping) else "null"
