"""Objects, lists, watch events and Status as JSON on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web

from libs.shared.errors import Unsupported
from libs.shared.kinds.kind import D, JsonObject, Kind
from libs.shared.objects import pointers

JSON = "application/json"
LONGEST_WARNING = 256
"""Characters, and bytes of all warnings below: Kubernetes' own bounds."""
MOST_WARNED = 4096
MOST_WARNINGS = 32
"""A reader takes about a hundred headers."""
_TAKEN = (JSON, "application/*", "*/*")


def shown(kind: Kind[D], document: D, revision: int = 0) -> JsonObject:
    """The object as clients see it: typed, versioned, and never with a write-only field.

    `revision` is the resourceVersion where it isn't that of the document's stamp (deletions).
    """
    whole = {"apiVersion": kind.api_version, "kind": kind.kind, **kind.show(document)}
    metadata = {key: value for key, value in whole.get("metadata", {}).items() if key != "resourceVersion"}
    if version := revision or document.stamp.revision:
        metadata["resourceVersion"] = str(version)
    whole["metadata"] = metadata
    for pointer in kind.write_only:
        pointers.lift(whole, pointers.steps(pointer))
    return whole


def listed(
    kind: Kind[Any],
    items: Sequence[JsonObject],
    revision: int,
    *,
    more: str = "",
    remaining: int | None = None,
) -> JsonObject:
    """A list, with the token of its next part and how many items remain, if any."""
    metadata: JsonObject = {"resourceVersion": str(revision)}
    if more:
        metadata["continue"] = more
    if more and remaining is not None:
        metadata["remainingItemCount"] = remaining
    return {
        "apiVersion": kind.api_version,
        "kind": f"{kind.kind}List",
        "metadata": metadata,
        "items": list(items),
    }


def event(sort: str, thing: JsonObject) -> JsonObject:
    """One line of a watch."""
    return {"type": sort, "object": thing}


def bookmark(kind: Kind[Any], revision: int, *, initial_end: bool = False) -> JsonObject:
    """A line that only says how far the watch has come."""
    metadata: JsonObject = {"resourceVersion": str(revision)}
    if initial_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return event("BOOKMARK", {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata})


def removed(kind: Kind[Any], name: str, uid: str) -> JsonObject:
    """The Status that answers a deletion which is done."""
    details = {"name": name, "group": kind.group, "kind": kind.plural}
    if uid:
        details["uid"] = uid
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def answer(thing: JsonObject, *, status: int = 200, warnings: Sequence[str] = ()) -> web.Response:
    """JSON, and a `Warning` header (RFC 7234, 299) for each warning: as many as a client's reader of headers takes."""
    response = web.Response(body=orjson.dumps(thing), status=status, content_type=JSON)
    room = MOST_WARNED
    for text in map(_quoted, warnings[:MOST_WARNINGS]):
        room -= len(text.encode())
        if room < 0:
            break
        response.headers.add("Warning", f'299 - "{text}"')
    return response


def _quoted(warning: str) -> str:
    """What stands in a quoted string (RFC 9110, 5.6.4): it may name a field that a client made up of anything."""
    short = warning if len(warning) <= LONGEST_WARNING else warning[:LONGEST_WARNING] + "…"
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in short)
    return shown.replace("\\", "\\\\").replace('"', '\\"')


def accepts_json(request: web.Request) -> None:
    """Raise `Unsupported` when the request takes anything but plain JSON (Tables alone, Protobuf alone)."""
    offers = [offer.strip() for offer in ",".join(request.headers.getall("Accept", [])).split(",")]
    for offer in filter(None, offers):
        media, *parameters = [part.strip() for part in offer.split(";")]
        if media.lower() in _TAKEN and not any(parameter.lower().startswith("as=") for parameter in parameters):
            return
    if any(offers):
        raise Unsupported(
            "not-acceptable",
            f"only the following media types are accepted: {JSON}",
        )
