"""Reading a client's JSON object: what it may leave out, and what is of the wrong type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from libs.shared.errors import Malformed

NONE: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Reading:
    """An object and where it stands in the body. A field of another type is refused, an unknown one is passed over, and
    `null` is nothing, as in Kubernetes.
    """

    value: Mapping[str, Any]
    path: str = ""

    @classmethod
    def of(cls, body: Any) -> Reading:
        """The whole body; raises `Malformed` where it is no object."""
        if not isinstance(body, Mapping):
            raise Malformed("body-not-object", "the body should be a JSON object")
        return cls(body)

    def inside(self, key: str) -> Reading:
        """The object of this field, or an empty one."""
        return Reading(self._field(key, Mapping, "an object") or NONE, self._at(key))

    def text(self, key: str) -> str:
        """The text of this field, or an empty one."""
        return self._field(key, str, "text") or ""

    def flag(self, key: str) -> bool | None:
        """The boolean of this field, or None."""
        found: bool | None = self._field(key, bool, "true or false")
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of texts of this field, or an empty one."""
        return tuple(self._members(key, str, "a list of texts"))

    def objects(self, key: str) -> tuple[Reading, ...]:
        """The list of objects of this field, or an empty one."""
        found = self._members(key, Mapping, "a list of objects")
        return tuple(Reading(item, f"{self._at(key)}[{place}]") for place, item in enumerate(found))

    def mapping(self, key: str) -> dict[str, str]:
        """The object of texts of this field, or an empty one; what is null in it is left out."""
        found = self.inside(key).value
        kept = {name: value for name, value in found.items() if value is not None}
        if not all(isinstance(value, str) for value in kept.values()):
            raise self._wrong(key, "an object of texts")
        return kept

    def has(self, key: str) -> bool:
        """Whether the field says something."""
        return self.value.get(key) is not None

    def _members(self, key: str, kind: type, wanted: str) -> list[Any]:
        found: list[Any] = self._field(key, list, wanted) or []
        if not all(isinstance(item, kind) for item in found):
            raise self._wrong(key, wanted)
        return found

    def _field(self, key: str, kind: type, wanted: str) -> Any:
        found = self.value.get(key)
        if found is not None and not isinstance(found, kind):
            raise self._wrong(key, wanted)
        return found

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _wrong(self, key: str, wanted: str) -> Malformed:
        return Malformed("wrong-type", f"{self._at(key)} should be {wanted}")
