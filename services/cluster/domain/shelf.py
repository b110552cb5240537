"""The cluster's objects in memory, as this process has observed them: what lists and facts are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

from services.cluster.domain.held import Held, held
from services.cluster.domain.resource import TOLD, JsonObject, Resource, name, namespace, revision, uid

NEVER_GIVEN_UP = frozenset(resource.plural for resource in TOLD)
REMEMBERED = 1024
"""Objects that we removed ourselves, of which what was told before must not be taken for news."""


class Key(NamedTuple):
    """One object."""

    plural: str
    namespace: str
    name: str


def key_of(kind: Resource, found: JsonObject) -> Key:
    """Which object it is."""
    return Key(kind.plural, namespace(found), name(found))


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

    def clear(self) -> None:
        """Forget what was heard: everything will be looked at."""
        self._keys.clear()

    def take(self, most: int) -> tuple[Key, ...]:
        """So many of them, in the order in which they were heard first."""
        found = tuple(islice(self._keys, most))
        for key in found:
            del self._keys[key]
        return found


class Shelf:
    """Bounded by `most` bytes together: the kind that would go beyond is given up, and read from the cluster instead.
    What facts are made from is never given up.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kinds: dict[str, _Kind] = {}
        self._heard: list[Heard] = []
        self._ended: dict[str, None] = {}

    def begin(self, plural: str) -> None:
        """A list of this kind begins: what it does not name will be gone when it is through."""
        self._kind(plural).fresh = set()

    def take(self, plural: str, found: JsonObject) -> None:
        """An object's present form; an older one than what is held is passed over."""
        kind, key = self._kind(plural), Key(plural, namespace(found), name(found))
        if kind.given_up or uid(found) in self._ended:
            return
        if kind.fresh is not None:
            kind.fresh.add(key)
        before = self.get(key)
        if before is not None and revision(found) < revision(before) and uid(found) == uid(before):
            return
        kind.put(key, held(found))
        if plural not in NEVER_GIVEN_UP and self.size > self._most:
            kind.give_up()
        elif before is None or (revision(before), uid(before)) != (revision(found), uid(found)):
            self.tell(key)

    def drop(self, plural: str, found: JsonObject) -> None:
        """An object is gone."""
        key = Key(plural, namespace(found), name(found))
        before = self.get(key)
        if before is not None and uid(before) == uid(found):
            self._drop(key)

    def removed(self, plural: str, found: JsonObject) -> None:
        """We have removed it, and the cluster is still to tell so."""
        self._ended[uid(found)] = None
        for old in list(islice(self._ended, max(0, len(self._ended) - REMEMBERED))):
            del self._ended[old]
        self.drop(plural, found)

    def synced(self, plural: str) -> None:
        """The list is through."""
        kind = self._kind(plural)
        if kind.fresh is not None:
            for key in [key for key in self.keys(plural) if key not in kind.fresh]:
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

    def given_up(self, plural: str) -> bool:
        """Whether there were too many of this kind."""
        return self._kind(plural).given_up

    def get(self, key: Key) -> Held | None:
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
        return self._kind(plural).count

    @property
    def size(self) -> int:
        """About how many bytes all of it takes."""
        return sum(kind.size for kind in self._kinds.values())

    def keys(self, plural: str) -> list[Key]:
        """Of all objects of the kind."""
        objects = self._kind(plural).objects
        return [Key(plural, place, called) for place, inside in objects.items() for called in inside]

    @contextmanager
    def heard(self, plurals: frozenset[str], wake: Callable[[], None]) -> Iterator[Heard]:
        """What changes of these kinds while the block runs; `wake` is called at each change."""
        heard = Heard(plurals, wake)
        self._heard.append(heard)
        try:
            yield heard
        finally:
            self._heard.remove(heard)

    def tell(self, key: Key) -> None:
        """Have whoever listens to its kind look at it."""
        for heard in self._heard:
            heard.add(key)

    def _drop(self, key: Key) -> None:
        if self._kind(key.plural).pop(key):
            self.tell(key)

    def _kind(self, plural: str) -> _Kind:
        return self._kinds.setdefault(plural, _Kind())


class _Kind:
    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Held]] = {}
        self.fresh: set[Key] | None = None
        self.stands = self.tried = self.given_up = False
        self.count = self.size = 0

    def put(self, key: Key, found: Held) -> None:
        """Hold it in place of what was held under its name."""
        self.pop(key)
        self.objects.setdefault(key.namespace, {})[key.name] = found
        self.count += 1
        self.size += found.size

    def pop(self, key: Key) -> bool:
        """Let go of it; whether it was held."""
        place = self.objects.get(key.namespace, {})
        found = place.pop(key.name, None)
        if found is None:
            return False
        self.count -= 1
        self.size -= found.size
        if not place:
            del self.objects[key.namespace]
        return True

    def give_up(self) -> None:
        """Let go of everything, until this process starts anew."""
        self.given_up, self.fresh = True, None
        self.objects = {}
        self.count = self.size = 0
