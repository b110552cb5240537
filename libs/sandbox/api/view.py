"""An object as a client sees it: in the version it asks for, whole or its metadata alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from libs.sandbox.api.asked import Form
from libs.sandbox.api.place import Place
from libs.sandbox.changes import Stored

Body = dict[str, Any]
EVENTS: Final = "events.k8s.io"
_RENAMED: Final[Mapping[str, str]] = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
"""Fields of the core group's Event -> of events.k8s.io/v1."""
_BACK: Final = {new: old for old, new in _RENAMED.items()}


def shown(place: Place, stored: Stored, form: Form = Form.WHOLE) -> bytes:
    """The JSON of an object."""
    if form is Form.WHOLE and stored.body["apiVersion"] == place.api_version:
        return stored.raw
    return orjson.dumps(body(place, stored.body, form))


def body(place: Place, stored: Body, form: Form = Form.WHOLE) -> Body:
    """The same as a value, not to be changed."""
    if form is Form.METADATA:
        return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": stored["metadata"]}
    if stored.get("apiVersion") == place.api_version:
        return stored
    if place.resource.group == EVENTS:
        stored = {_RENAMED.get(key, key): value for key, value in stored.items()}
    return {**stored, "apiVersion": place.api_version}


def kept(place: Place, sent: Body) -> Body:
    """What a client sent, in the version in which it is kept."""
    if place.resource.group == EVENTS:
        sent = {_BACK.get(key, key): value for key, value in sent.items()}
        return {**sent, "apiVersion": "v1"}
    return {**sent, "apiVersion": place.resource.api_version}
