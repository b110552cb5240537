"""Fields that a wish would change and another manager has applied: a conflict, unless it is forced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from libs.sandbox.apply.keys import identity
from libs.sandbox.apply.owned import Fields
from libs.shared.errors import Conflict, Flaw

SLUG: Final = "fields-owned"
_SELF: Final = "."


def overruled(mine: Fields, theirs: Fields, wanted: Any, current: Any) -> Fields:
    """What of their fields is among mine, with another value than what stands."""
    found: Fields = {}
    for key, below in mine.items():
        if key == _SELF or key.startswith("v:") or key not in theirs:
            continue
        wish, stands = _child(wanted, key), _child(current, key)
        if below and theirs[key]:
            if part := overruled(below, theirs[key], wish, stands):
                found[key] = part
        elif stands is not None and wish != stands and not isinstance(wish, Mapping):  # objects are merged
            found[key] = {}
    return found


def _child(value: Any, key: str) -> Any:
    """The member (`f:name`), or the item with these keys (`k:{…}`)."""
    if key.startswith("f:"):
        return value.get(key.removeprefix("f:")) if isinstance(value, Mapping) else None
    names = orjson.loads(key.removeprefix("k:"))
    wanted = tuple(names.values())
    items = value if isinstance(value, list) else ()
    return next((item for item in items if isinstance(item, Mapping) and identity(item, tuple(names)) == wanted), None)


def refuse(found: Mapping[str, Fields], versions: Mapping[str, str]) -> None:
    """Raise `Conflict` where a manager has fields of his overruled; `versions` are those that they applied in."""
    flaws = tuple(
        Flaw(path, f'conflict with "{manager}" using {versions[manager]}')
        for manager, fields in found.items()
        for path in _paths(fields, "")
    )
    if flaws:
        said = "; ".join(f"{flaw.text}: {flaw.field}" for flaw in flaws)
        count = f"{len(flaws)} conflict" + ("s" if len(flaws) > 1 else "")
        raise Conflict(SLUG, f"Apply failed with {count}: {said}", flaws=flaws)


def _paths(fields: Fields, path: str) -> Iterator[str]:
    for key, below in fields.items():
        if key.startswith("f:"):
            here = f"{path}.{key.removeprefix('f:')}"
        else:
            names = orjson.loads(key.removeprefix("k:"))
            here = f"{path}[{','.join(f'{name}={orjson.dumps(value).decode()}' for name, value in names.items())}]"
        if below:
            yield from _paths(below, here)
        else:
            yield here
