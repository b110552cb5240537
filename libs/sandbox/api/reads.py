"""Get and list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import orjson

from libs.sandbox.api import view
from libs.sandbox.api.asked import Form, Listing, goes_on
from libs.sandbox.api.place import Place
from libs.sandbox.changes import Stored
from libs.sandbox.objects import Objects
from libs.sandbox.selectable import selected


def get(objects: Objects, place: Place, form: Form) -> bytes:
    """One object; raises `Missing`."""
    return view.shown(place, objects.stored(place.resource.store, place.name, place.namespace), form)


def listed(objects: Objects, place: Place, asked: Listing, form: Form) -> bytes:
    """A list, or a page of it."""
    version = asked.version if asked.after else str(objects.revision)
    found = chosen(objects, place, asked)
    page = list(islice(found, asked.limit)) if asked.limit else list(found)
    listing = {"resourceVersion": version}
    if asked.limit and len(page) == asked.limit and (left := sum(1 for _ in found)):
        last = page[-1].body["metadata"]
        listing["continue"] = goes_on(version, (last.get("namespace", ""), last["name"]))
        if not asked.labels and not asked.fields:
            return _list(place, listing, page, form, left)
    return _list(place, listing, page, form, 0)


def _list(place: Place, listing: dict[str, str], page: Iterable[Stored], form: Form, left: int) -> bytes:
    head = {
        "kind": "PartialObjectMetadataList" if form is Form.METADATA else f"{place.resource.kind}List",
        "apiVersion": "meta.k8s.io/v1" if form is Form.METADATA else place.api_version,
        "metadata": {**listing, **({"remainingItemCount": left} if left else {})},
    }
    items = b",".join(view.shown(place, stored, form) for stored in page)
    return orjson.dumps(head)[:-1] + b',"items":[' + items + b"]}"


def chosen(objects: Objects, place: Place, asked: Listing) -> Iterator[Stored]:
    """What the options choose, in order."""
    fits = selected(place.resource, asked.labels, asked.fields, place.name)
    for stored in objects.shelf(place.resource.store, place.namespace):
        metadata = stored.body["metadata"]
        if asked.after and (metadata.get("namespace", ""), metadata["name"]) <= asked.after:
            continue
        if fits(stored.body):
            yield stored
