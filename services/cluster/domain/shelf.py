"""The cluster's objects in memory, as this process has observed them: what lists and facts are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

from services.cluster.domain.resource import TOLD, JsonObject, metadata, name, namespace, revision

NEVER_GIVEN_UP = frozenset(resource.plural for resource in TOLD)


class Key(NamedTuple):
    """One object."""

    plural: str
    namespace: str
    name: str


class Heard:
    """What of these kinds has changed since it was last taken, each thing once."""

    def __init__(self, plurals: frozenset[str], wake: Callable[[], None]) -> None:
        self._plurals = plurals
        self._keys: dict[Key, None] = {}
        self._wake = wake

    def add(self, key: Key) -> None:
        """It has changed, or is to be looked at."""
        if key.plural in self._plurals:
            self._keys[key] = None
            self._wake()

    def take(self, most: int) -> tuple[Key, ...]:
        """So many of them, in the order in which they were heard first."""
        found = tuple(islice(self._keys, most))
        for key in found:
            del self._keys[key]
        return found


class Shelf:
    """Bounded by kind: one that has more objects than `most` is given up, and read from the cluster instead. What facts
    are made from is never given up.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kinds: dict[str, _Kind] = {}
        self._heard: list[Heard] = []

    def begin(self, plural: str) -> None:
        """A list of this kind begins: what it does not name will be gone when it is through."""
        self._kind(plural).fresh = set()

    def take(self, plural: str, found: JsonObject) -> None:
        """An object's present form; an older one than what is held is passed over."""
        kind, key = self._kind(plural), Key(plural, namespace(found), name(found))
        if kind.given_up:
            return
        if kind.fresh is not None:
            kind.fresh.add(key)
        place = kind.objects.setdefault(key.namespace, {})
        held = place.get(key.name)
        if held is not None and revision(found) < revision(held) and _uid(held) == _uid(found):
            return
        if held is None:
            kind.count += 1
        if kind.count > self._most and plural not in NEVER_GIVEN_UP:
            kind.give_up()
            return
        place[key.name] = slim(found)
        if held is None or revision(held) != revision(found):
            self._tell(key)

    def drop(self, plural: str, found: JsonObject) -> None:
        """An object is gone."""
        self._drop(Key(plural, namespace(found), name(found)))

    def synced(self, plural: str) -> None:
        """The list is through."""
        kind = self._kind(plural)
        gone = [key for key in self.keys(plural) if kind.fresh is not None and key not in kind.fresh]
        for key in gone:
            self._drop(key)
        kind.fresh, kind.stands, kind.tried = None, True, True

    def failed(self, plural: str) -> None:
        """The cluster could not be asked for this kind; what was known of it stays."""
        self._kind(plural).tried = True

    def stands(self, plural: str) -> bool:
        """Whether a list was through once, and all of it is held."""
        kind = self._kind(plural)
        return kind.stands and not kind.given_up

    def tried(self, plural: str) -> bool:
        """Whether the first list has come to an end, a good or a bad one."""
        return self._kind(plural).tried

    def get(self, key: Key) -> JsonObject | None:
        """One object."""
        return self._kind(key.plural).objects.get(key.namespace, {}).get(key.name)

    def all(self, plural: str, namespace: str = "") -> list[JsonObject]:
        """Those of a namespace, or (empty) all."""
        objects = self._kind(plural).objects
        if namespace:
            return list(objects.get(namespace, {}).values())
        return [found for place in objects.values() for found in place.values()]

    def count(self, plural: str) -> int:
        """How many are held."""
        kind = self._kind(plural)
        return 0 if kind.given_up else kind.count

    def keys(self, plural: str) -> list[Key]:
        """Of all objects of the kind."""
        objects = self._kind(plural).objects
        return [Key(plural, place, called) for place, held in objects.items() for called in held]

    @contextmanager
    def heard(self, plurals: frozenset[str], wake: Callable[[], None]) -> Iterator[Heard]:
        """What changes of these kinds while the block runs; `wake` is called at each change."""
        heard = Heard(plurals, wake)
        self._heard.append(heard)
        try:
            yield heard
        finally:
            self._heard.remove(heard)

    def _drop(self, key: Key) -> None:
        kind = self._kind(key.plural)
        place = kind.objects.get(key.namespace, {})
        if place.pop(key.name, None) is not None:
            kind.count -= 1
            self._tell(key)
        if not place:
            kind.objects.pop(key.namespace, None)

    def _tell(self, key: Key) -> None:
        for heard in self._heard:
            heard.add(key)

    def _kind(self, plural: str) -> _Kind:
        return self._kinds.setdefault(plural, _Kind())


class _Kind:
    def __init__(self) -> None:
        self.objects: dict[str, dict[str, JsonObject]] = {}
        self.fresh: set[Key] | None = None
        self.stands = self.tried = self.given_up = False
        self.count = 0

    def give_up(self) -> None:
        """Let go of everything, until this process starts anew."""
        self.given_up = True
        self.objects = {}


def slim(found: JsonObject) -> JsonObject:
    """The object without what nobody reads here: who manages which field is half of its size."""
    about = metadata(found)
    if "managedFields" not in about:
        return found
    return {**found, "metadata": {key: value for key, value in about.items() if key != "managedFields"}}


def _uid(found: JsonObject) -> Any:
    return metadata(found).get("uid")
