"""One application of a wish by a manager: merged into what stands, without what he wished before and no longer does.

Only those who apply own fields: what was written in any other way is overruled without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.sandbox.apply import conflicts, owned
from libs.sandbox.apply.keys import added, identity, is_set, keys
from libs.sandbox.apply.owned import Fields
from libs.sandbox.resource import Resource
from libs.shared.objects import meta

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Applying:
    """Who applies, in which version of the API, to which part, when."""

    resource: Resource
    api_version: str
    manager: str
    subresource: str
    at: datetime
    force: bool = False
    """Whether he takes over what another has applied."""

    def first(self, wanted: Body) -> Body:
        """The wish as a new object."""
        body = deepcopy(wanted)
        body["metadata"] = {**(body.get("metadata") or {}), "managedFields": [self._entry(owned.of(wanted))]}
        return body

    def merged(self, current: Body, wanted: Body) -> Body:
        """What stands with the wish in it; equal to what stands where the wish changes nothing.

        Raises `Conflict` where it would change what another has applied, and isn't forced.
        """
        entries = [entry for entry in current["metadata"].get("managedFields") or () if isinstance(entry, dict)]
        before = next((entry for entry in entries if self._own(entry)), None)
        fields = owned.of(wanted)
        left = self._left([entry for entry in entries if entry is not before], fields, wanted, current)
        others: Fields = {}
        for entry in left:
            others = owned.together(others, entry.get("fieldsV1") or {})
        dropped = owned.without(owned.without((before or {}).get("fieldsV1") or {}, fields), others)
        wish = {key: value for key, value in wanted.items() if key not in ("apiVersion", "kind")}
        body: Body = {**_merged(_lacking(current, dropped), wish, "", custom=self.resource.custom)}
        entry = self._entry(fields)
        if before is not None and before.get("fieldsV1") == fields and _same(current, body):
            entry = before
        managed = [entry, *left]
        return {**body, "metadata": {**body["metadata"], "managedFields": managed}}

    def _left(self, others: list[Body], fields: Fields, wanted: Body, current: Body) -> list[Body]:
        """What the other managers own from now on."""
        lost = {
            place: found
            for place, entry in enumerate(others)
            if entry.get("operation") == "Apply"
            and (found := conflicts.overruled(fields, entry.get("fieldsV1") or {}, wanted, current))
        }
        if not self.force:
            named = {str(others[place].get("manager")): found for place, found in lost.items()}
            conflicts.refuse(named, {str(e.get("manager")): str(e.get("apiVersion")) for e in others})
        kept = [
            {**entry, "fieldsV1": owned.without(entry["fieldsV1"], lost[place])} if place in lost else entry
            for place, entry in enumerate(others)
        ]
        return [entry for entry in kept if entry.get("fieldsV1")]

    def _own(self, entry: Body) -> bool:
        return (
            entry.get("manager") == self.manager
            and entry.get("operation") == "Apply"
            and entry.get("subresource", "") == self.subresource
        )

    def _entry(self, fields: Fields) -> Body:
        entry = {
            "manager": self.manager,
            "operation": "Apply",
            "apiVersion": self.api_version,
            "time": meta.instant(self.at),
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        }
        return {**entry, "subresource": self.subresource} if self.subresource else entry


def _same(current: Body, body: Body) -> bool:
    """Whether nothing differs but who manages."""
    return {**body, "metadata": {**body["metadata"], "managedFields": 0}} == {
        **current,
        "metadata": {**current["metadata"], "managedFields": 0},
    }


def _merged(old: Any, new: Any, field: str, *, custom: bool) -> Any:
    if isinstance(new, Mapping):
        base = dict(old) if isinstance(old, Mapping) else {}
        for key, value in new.items():
            if value is None:
                base.pop(key, None)
            else:
                base[key] = _merged(base.get(key), value, key, custom=custom)
        return base
    if isinstance(new, list) and isinstance(old, list):
        if is_set(field):
            return added(old, new)
        names = () if custom and field != "ownerReferences" else keys(field, [*old, *new])
        if names:
            return _items(old, new, names, custom=custom)
    return deepcopy(new)


def _items(old: list[Body], new: list[Body], names: tuple[str, ...], *, custom: bool) -> list[Body]:
    """Items in the wish's order, then those that are not in it."""
    standing = {identity(item, names): item for item in old}
    wanted = {identity(item, names): item for item in new}
    found = [_merged(standing.get(key), item, "", custom=custom) for key, item in wanted.items()]
    return found + [item for key, item in standing.items() if key not in wanted]


def _lacking(thing: Any, dropped: Fields) -> Any:
    """A value without these fields."""
    if isinstance(thing, Mapping):
        left = dict(thing)
        for key, below in dropped.items():
            name = key.removeprefix("f:")
            if name not in left:
                continue
            if not below:
                del left[name]
                continue
            left[name] = _list_lacking(name, left[name], below)
        return left
    return thing


def _list_lacking(field: str, value: Any, dropped: Fields) -> Any:
    if not isinstance(value, list):
        return _lacking(value, dropped)
    names = keys(field, value)
    left = []
    for item in value:
        if isinstance(item, Mapping) and names:
            below = dropped.get(owned.named(item, names))
            if below is None:
                left.append(item)
            elif "." not in below:
                left.append(_lacking(item, below))
        elif f'v:"{item}"' not in dropped:
            left.append(item)
    return left
