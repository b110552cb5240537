"""One application of a wish by a manager: merged into what stands, without what he wished before and no longer does.

What another manager has set is overruled and never reported as a conflict; he keeps his claim in `managedFields`.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.sandbox.apply import owned
from libs.sandbox.apply.keys import identity, is_set, keys
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

    def first(self, wanted: Body) -> Body:
        """The wish as a new object."""
        body = deepcopy(wanted)
        body["metadata"] = {**(body.get("metadata") or {}), "managedFields": [self._entry(owned.of(wanted))]}
        return body

    def merged(self, current: Body, wanted: Body) -> Body:
        """What stands with the wish in it; equal to what stands where the wish changes nothing."""
        entries = [entry for entry in current["metadata"].get("managedFields") or () if isinstance(entry, dict)]
        before = next((entry for entry in entries if self._own(entry)), None)
        others: Fields = {}
        for entry in entries:
            if entry is not before:
                others = owned.together(others, entry.get("fieldsV1") or {})
        fields = owned.of(wanted)
        dropped = owned.without(owned.without((before or {}).get("fieldsV1") or {}, fields), others)
        wish = {key: value for key, value in wanted.items() if key not in ("apiVersion", "kind")}
        body: Body = {**_merged(_lacking(current, dropped), wish, "", custom=self.resource.custom)}
        entry = self._entry(fields)
        if before is not None and before.get("fieldsV1") == fields and _same(current, body):
            entry = before
        managed = [entry, *(other for other in entries if other is not before)]
        return {**body, "metadata": {**body["metadata"], "managedFields": managed}}

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
            return [*old, *(item for item in new if item not in old)]
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
