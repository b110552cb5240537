"""A Kubernetes event (core/v1), as a document and as what is asked of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from libs.shared.errors import Malformed
from services.logging.domain.entry import EPOCH, Entry, moment
from services.logging.domain.log import told
from services.logging.domain.wanted import Glob, Phrase, Term, Wish

FIELDS: tuple[tuple[str, str, bool], ...] = (
    ("involved_object_name_search", "name", True),
    ("involved_object_kind_filter", "kind", False),
    ("reason_filter", "reason", False),
    ("message_search", "message", True),
)
"""Parameter, field, whether its last word may go on."""


def entry_of(document: Mapping[str, Any], id_: str = "", *, create: bool = False) -> Entry:
    """The entry of an event, by its last time; raises `Malformed` naming the field."""
    about = document.get("involvedObject")
    if not isinstance(about, Mapping):
        raise Malformed("involvedObject", "involvedObject should be the object that the event is about")
    names = {name: told(about, name) for name in ("namespace", "name", "kind", "uid")}
    texts = {name: told(document, name) for name in ("reason", "message", "type")}
    return Entry(
        ms=moment(time_of(document), "lastTimestamp"),
        body=orjson.dumps(document),
        exact={"namespace": names["namespace"], "name": names["name"], "reason": texts["reason"]},
        worded={"name": names["name"], "kind": names["kind"], **texts, "message": _message(document)},
        source=names["uid"],
        id=id_,
        create=create,
    )


def _message(document: Mapping[str, Any]) -> str:
    message = document.get("message")
    return message if isinstance(message, str) else ""


def time_of(document: Mapping[str, Any]) -> object:
    """When it happened last, by the first of its times that is told."""
    metadata = document.get("metadata")
    made = metadata.get("creationTimestamp") if isinstance(metadata, Mapping) else None
    times = (document.get(name) for name in ("lastTimestamp", "eventTime", "firstTimestamp", "@timestamp"))
    return next((time for time in (*times, made) if time), None)


def observed(document: Mapping[str, Any]) -> Entry:
    """The entry of an event as the cluster told it: each of its updates is one of its own, told again it is the same.
    Raises `Malformed`.
    """
    metadata = document.get("metadata") or {}
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    at = moment(time_of(document), "lastTimestamp")
    stamp = _text(at)
    shown = {**document, "metadata": kept, "@timestamp": stamp}
    if not shown.get("lastTimestamp"):
        shown["lastTimestamp"] = stamp
    for name in ("kind", "apiVersion"):
        shown.pop(name, None)
    return entry_of(shown, f"{metadata.get('uid', '')}/{metadata.get('resourceVersion', '')}")


def _text(ms: int) -> str:
    from_epoch = EPOCH.fromtimestamp(ms // 1000, EPOCH.tzinfo)
    return f"{from_epoch:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"


def wishes(lists: Mapping[str, Sequence[str]], type_: str) -> list[Wish]:
    """What the parameters ask for beside namespaces and workspaces."""
    found: list[Wish] = []
    if "involved_object_name_filter" in lists:
        found.append(Term("name", tuple(lists["involved_object_name_filter"])))
    found += [Phrase(field, tuple(lists[name]), prefix) for name, field, prefix in FIELDS if name in lists]
    if "reason_search" in lists:
        found.append(Glob("reason", tuple(f"*{text}*" for text in lists["reason_search"])))
    if type_:
        found.append(Phrase("type", (type_,), prefix=False))
    return found
