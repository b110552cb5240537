"""Strategic merge patches of built-in kinds: lists merged by their items' keys, and the directives that begin with `$`.

Source: Kubernetes' documentation of strategic merge patches. Which list has which key is what server-side apply says
(`libs.sandbox.apply.keys`), of which the first member counts here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from libs.sandbox.apply.keys import added, identity, is_set, keys, mark
from libs.shared.errors import Malformed

_PATCH: Final = "$patch"
_RETAIN: Final = "$retainKeys"
_FROM_LIST: Final = "$deleteFromPrimitiveList/"
_ORDER: Final = "$setElementOrder/"
_DIRECTIVES: Final = ("merge", "replace", "delete")

Body = dict[str, Any]


def merged(old: Mapping[str, Any], wish: Mapping[str, Any]) -> Body:
    """What the patch makes of an object, which stays as it is; raises `Malformed` for a directive that isn't known."""
    match _directive(wish):
        case "replace":
            return {key: value for key, value in wish.items() if key != _PATCH}
        case "delete":
            return {}
    found = _retained(old, wish)
    for key, value in wish.items():
        if not key.startswith("$"):
            _put(found, key, value)
    for key, value in wish.items():
        field = key.partition("/")[2]
        if key.startswith(_FROM_LIST):
            gone = {mark(item) for item in _listed(key, value)}
            found[field] = [item for item in _items(found.get(field)) if mark(item) not in gone]
        elif key.startswith(_ORDER) and field in found:
            found[field] = _ordered(field, _items(found[field]), _listed(key, value))
    return found


def _retained(old: Mapping[str, Any], wish: Mapping[str, Any]) -> Body:
    if _RETAIN not in wish:
        return dict(old)
    kept = _listed(_RETAIN, wish[_RETAIN])
    return {key: value for key, value in old.items() if key in kept}


def _put(found: Body, key: str, value: Any) -> None:
    standing = found.get(key)
    if value is None:
        found.pop(key, None)
    elif isinstance(value, Mapping):
        found[key] = merged(standing if isinstance(standing, Mapping) else {}, value)
    elif isinstance(value, list):
        found[key] = _list(key, _items(standing), value)
    else:
        found[key] = value


def _list(field: str, old: list[Any], wish: list[Any]) -> list[Any]:
    if is_set(field):
        return added(old, wish)
    directives = [_directive(item) if isinstance(item, Mapping) else "" for item in wish]
    if "replace" in directives:
        return [item for item, directive in zip(wish, directives, strict=True) if not directive]
    names = keys(field, [*old, *wish])[:1]
    if not names:
        return [merged({}, item) if isinstance(item, Mapping) else item for item in wish]
    standing = {identity(item, names): item for item in old}
    for item, directive in zip(wish, directives, strict=True):
        key = identity(item, names)
        if directive == "delete":
            standing.pop(key, None)
        else:
            standing[key] = merged(standing.get(key, {}), item)
    return list(standing.values())


def _ordered(field: str, items: list[Any], order: list[Any]) -> list[Any]:
    """In the order that is given; what isn't in it comes last."""
    names = keys(field, [*items, *order])[:1]
    wanted = [_called(item, names) for item in order]
    return sorted(
        items, key=lambda item: wanted.index(name) if (name := _called(item, names)) in wanted else len(wanted)
    )


def _called(item: Any, names: tuple[str, ...]) -> Any:
    return identity(item, names) if names else item


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _listed(directive: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed("patch-unreadable", f"{directive[:80]} takes a list")
    return value


def _directive(wish: Mapping[str, Any]) -> str:
    found = wish.get(_PATCH, "")
    if found and found not in _DIRECTIVES:
        raise Malformed("patch-unreadable", f"{_PATCH} is one of {', '.join(_DIRECTIVES)}")
    return str(found)
