"""Get and list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Protocol

import orjson

from libs.sandbox.api import view
from libs.sandbox.api.asked import Form, Listing, Start, goes_on
from libs.sandbox.api.place import Place
from libs.sandbox.changes import Stored
from libs.sandbox.hooks import Computed as WorkedOut
from libs.sandbox.objects import Objects
from libs.sandbox.selectable import selected
from libs.shared.errors import Missing


class Readable(Protocol):
    """Where objects are read from."""

    @property
    def revision(self) -> int:
        """As of when."""
        ...

    def stored(self, resource: str, name: str, namespace: str = "") -> Stored:
        """One; raises `Missing`."""
        ...

    def shelf(self, resource: str, namespace: str = "", after: Start | None = None) -> Iterator[Stored]:
        """Those of a namespace, or all, in order; those after a namespace and name."""
        ...

    def count(self, resource: str, namespace: str = "", after: Start | None = None) -> int:
        """How many these are."""
        ...


class Computed:
    """Objects that the world works out when somebody asks."""

    def __init__(self, objects: Objects, worked_out: WorkedOut) -> None:
        self._worked_out = worked_out
        self.revision = objects.revision

    def stored(self, resource: str, name: str, namespace: str = "") -> Stored:
        """One; raises `Missing`."""
        for body in self._worked_out(namespace, name):
            return Stored(body, self.revision)
        raise Missing("object-missing", f'{resource} "{name}" not found', resource=resource, name=name)

    def shelf(self, resource: str, namespace: str = "", after: Start | None = None) -> Iterator[Stored]:
        """Those of a namespace, or all, in order; those after a namespace and name."""
        del resource
        for body in self._worked_out(namespace, ""):
            if after is None or _key(body) > after:
                yield Stored(body, self.revision)

    def count(self, resource: str, namespace: str = "", after: Start | None = None) -> int:
        """How many these are."""
        return sum(1 for _ in self.shelf(resource, namespace, after))


def get(objects: Readable, place: Place, form: Form) -> bytes:
    """One object; raises `Missing`."""
    return view.shown(place, objects.stored(place.resource.store, place.name, place.namespace), form)


def listed(objects: Readable, place: Place, asked: Listing, form: Form) -> bytes:
    """A list, or a page of it."""
    version = asked.version if asked.after else str(objects.revision)
    found = chosen(objects, place, asked)
    page = list(islice(found, asked.limit)) if asked.limit else list(found)
    listing, left = {"resourceVersion": version}, 0
    if asked.limit and len(page) == asked.limit and next(found, None) is not None:
        last = _key(page[-1].body)
        listing["continue"] = goes_on(version, last)
        if not asked.labels and not asked.fields:
            left = objects.count(place.resource.store, place.namespace, last)
    return _list(place, listing, page, form, left)


def _key(body: Mapping[str, Any]) -> Start:
    metadata = body["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _list(place: Place, listing: dict[str, str], page: Iterable[Stored], form: Form, left: int) -> bytes:
    head = {
        "kind": "PartialObjectMetadataList" if form is Form.METADATA else f"{place.resource.kind}List",
        "apiVersion": "meta.k8s.io/v1" if form is Form.METADATA else place.api_version,
        "metadata": {**listing, **({"remainingItemCount": left} if left else {})},
    }
    items = b",".join(view.shown(place, stored, form) for stored in page)
    return orjson.dumps(head)[:-1] + b',"items":[' + items + b"]}"


def chosen(objects: Readable, place: Place, asked: Listing) -> Iterator[Stored]:
    """What the options choose, in order."""
    fits = selected(place.resource, asked.labels, asked.fields, place.name)
    return (stored for stored in objects.shelf(place.resource.store, place.namespace, asked.after) if fits(stored.body))
