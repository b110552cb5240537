"""YAML bodies, read as what JSON could say."""

from __future__ import annotations

from typing import Any, Final

import yaml

from libs.shared.errors import Malformed, TooLarge

LARGEST: Final = 512 << 10
"""Bytes: reading YAML takes a hundred times as long as reading JSON."""
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TIME: Final = "tag:yaml.org,2002:timestamp"


def _loader() -> Any:
    """The library's safe loader, to which times are texts."""
    table = yaml.SafeLoader.yaml_implicit_resolvers
    kept = {first: [(tag, pattern) for tag, pattern in found if tag != _TIME] for first, found in table.items()}
    return type("Plain", (_LOADER,), {"yaml_implicit_resolvers": kept})


_PLAIN: Final = _loader()


def read(body: bytes) -> Any:
    """The value; aliases are refused, since a few of them can stand for gigabytes. Blocks for long on a large one.

    Raises `Malformed`, `TooLarge`.
    """
    if len(body) > LARGEST:
        raise TooLarge("yaml-too-large", f"limit is {LARGEST} bytes for YAML: the request body is larger")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(body, Loader=_LOADER)):
            raise Malformed("yaml-alias", "the body uses aliases of YAML, which are not taken")
        found = yaml.load(body, Loader=_PLAIN)  # noqa: S506  # a safe loader
    except (yaml.YAMLError, RecursionError, ValueError):
        raise Malformed("yaml-unreadable", "the body is no single document of YAML in UTF-8") from None
    _check(found)
    return found


def _check(found: Any) -> None:
    """Raise `Malformed` for what JSON can't say: keys that are no text, dates, NaN."""
    level = [found]
    while level:
        item = level.pop()
        if isinstance(item, dict):
            if not all(isinstance(key, str) for key in item):
                raise Malformed("yaml-unreadable", "keys in YAML have to be texts")
            level.extend(item.values())
        elif isinstance(item, list):
            level.extend(item)
        elif not isinstance(item, str | int | float | bool | None):
            raise Malformed("yaml-unreadable", "the body holds a value that JSON does not know")
