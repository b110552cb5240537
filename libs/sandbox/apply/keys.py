"""Which lists are told apart by keys of their items, and which are sets. Source: +listType, +listMapKey of k8s.io/api.

The real server reads this from each kind's schema; here the name of the field decides, and what an item holds. A list
that nothing is said of is replaced as a whole, as are all lists of custom resources.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

_MAPS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "containers": (("name",),),
    "initContainers": (("name",),),
    "ephemeralContainers": (("name",),),
    "volumes": (("name",),),
    "env": (("name",),),
    "imagePullSecrets": (("name",),),
    "secrets": (("name",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "hostAliases": (("ip",),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "conditions": (("type",),),
    "ownerReferences": (("uid",),),
    "podIPs": (("ip",),),
}
_DEFAULTS: Final = {"protocol": "TCP"}
_SETS: Final = frozenset({"finalizers"})


def keys(field: str, items: list[Any]) -> tuple[str, ...]:
    """The members that tell items of this list apart, none where it is replaced as a whole."""
    for choice in _MAPS.get(field, ()):
        if items and all(isinstance(item, Mapping) and _told(item, choice) for item in items):
            return choice
    return ()


def _told(item: Mapping[str, Any], choice: tuple[str, ...]) -> bool:
    return all(isinstance(item.get(name, _DEFAULTS.get(name)), str | int) for name in choice)


def added(old: list[Any], new: list[Any]) -> list[Any]:
    """A set with the items of another that it lacks."""
    seen = {mark(item) for item in old}
    return [*old, *(item for item in new if mark(item) not in seen)]


def mark(item: Any) -> bytes:
    """Something that equals for equal items, and can be looked up."""
    return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)


def is_set(field: str) -> bool:
    """Whether the list is a set of texts."""
    return field in _SETS


def identity(item: Mapping[str, Any], names: tuple[str, ...]) -> tuple[Any, ...]:
    """What tells this item apart."""
    return tuple(item.get(name, _DEFAULTS.get(name)) for name in names)
