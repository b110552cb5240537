"""Elasticsearch's bulk request (reference 7.10, "Bulk API"): lines in, an outcome a document out."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from libs.shared.errors import Fault, Malformed, TooLarge, Unsupported
from libs.shared.values import Ids
from services.logging.domain import audit, event, log
from services.logging.domain.entry import AUDITING, EVENTS, LOGS, LONGEST_ID, Entry, Kept, Kind

INDEX = re.compile(r"ks-logstash-(log|events|auditing)(?:-[0-9.]{1,32})?")
KINDS: Mapping[str, tuple[Kind, Callable[..., Entry]]] = {
    "log": (LOGS, log.entry_of),
    "events": (EVENTS, event.entry_of),
    "auditing": (AUDITING, audit.entry_of),
}
SOURCELESS = "delete"
ACTIONS = ("index", "create", "update", SOURCELESS)
KEEPING = ("index", "create")
MOST = 50_000
STATUSES: Mapping[str, int] = {"created": 201, "updated": 200, "conflict": 409, "refused": 400}
REASONS: Mapping[str, tuple[str, str]] = {
    "conflict": ("version_conflict_engine_exception", "a document of this _id stands already"),
    "refused": ("validation_exception", "there are too many days already: none may be added for this document"),
}


@dataclass(slots=True)
class Item:
    """One action: what is to be kept, or why it can't be."""

    action: str
    index: str
    id: str
    kind: Kind | None = None
    entry: Entry | None = None
    kept: Kept | None = None
    error: tuple[int, str, str] | None = None

    def told(self) -> dict[str, Any]:
        """As Elasticsearch tells it."""
        shown: dict[str, Any] = {"_index": self.index, "_id": self.id}
        if self.kept is not None and self.kept.result in REASONS:
            self.error = (STATUSES[self.kept.result], *REASONS[self.kept.result])
        if self.error is not None:
            status, sort, reason = self.error
            return {self.action: {**shown, "status": status, "error": {"type": sort, "reason": reason}}}
        result = self.kept.result if self.kept else ""
        return {self.action: {**shown, "result": result, "status": STATUSES[result]}}


def inflated(raw: bytes, encoding: str, most: int) -> bytes:
    """The body as it was before it was packed; raises `TooLarge` before more than `most` bytes of it are unpacked."""
    if encoding in ("", "identity"):
        return raw
    if encoding != "gzip":
        raise Unsupported("encoding", "the body's Content-Encoding should be gzip, or none")
    unpacking = zlib.decompressobj(wbits=31)
    try:
        text = unpacking.decompress(raw, most)
    except zlib.error:
        raise Malformed("gzip", "the body is no gzip") from None
    if unpacking.unconsumed_tail:
        raise TooLarge("body-too-large", f"the body unpacks to more than the {most} bytes that are accepted")
    if not unpacking.eof:
        raise Malformed("gzip", "the body ends before its gzip does")
    return text


def items(raw: bytes, index: str, ids: Ids) -> list[Item]:
    """The actions of a body, each with its document read; raises `Malformed` naming the line where the lines themselves
    can't be told apart.
    """
    lines = [(at, line) for at, line in enumerate(raw.split(b"\n"), 1) if line.strip()]
    if not lines:
        raise Malformed("bulk-empty", "request body is required: lines of actions and documents")
    found: list[Item] = []
    rest = iter(lines)
    for at, line in rest:
        action, about = _action(at, line)
        source = None if action == SOURCELESS else next(rest, None)
        if action != SOURCELESS and source is None:
            raise Malformed("bulk-line", f"the document of the action in line {at} is missing")
        found.append(_item(action, about, index, source[1] if source else b"", ids))
        if len(found) > MOST:
            raise TooLarge("bulk-items", f"a request may hold {MOST} documents at most")
    return found


def _action(at: int, line: bytes) -> tuple[str, Mapping[str, Any]]:
    accepted = f"line {at} should be an action such as {{'index': {{'_index': 'ks-logstash-log-2031.05.06'}}}}"
    try:
        read = orjson.loads(line)
    except ValueError:
        raise Malformed("bulk-line", accepted) from None
    if not isinstance(read, dict) or len(read) != 1:
        raise Malformed("bulk-line", accepted)
    action, about = next(iter(read.items()))
    if action not in ACTIONS or not isinstance(about, dict):
        raise Malformed("bulk-line", accepted)
    return action, about


def _item(action: str, about: Mapping[str, Any], index: str, source: bytes, ids: Ids) -> Item:
    name, id_ = about.get("_index", index), about.get("_id")
    item = Item(action, str(name)[:LONGEST_ID], str(id_)[:LONGEST_ID] if id_ is not None else "")
    match = INDEX.fullmatch(name) if isinstance(name, str) else None
    if action not in KEEPING:
        item.error = (400, "illegal_argument_exception", f"documents are kept as they came: there is no {action} here")
    elif match is None:
        item.error = (
            404,
            "index_not_found_exception",
            "_index should be ks-logstash-log, -events or -auditing, and a day",
        )
    elif id_ is not None and not (isinstance(id_, str) and 0 < len(id_) <= LONGEST_ID):
        item.error = (400, "illegal_argument_exception", f"_id should be a text of 1 to {LONGEST_ID} characters")
    else:
        _read(item, match[1], source)
        item.id = item.id or ids()
    return item


def _read(item: Item, sort: str, source: bytes) -> None:
    kind, read = KINDS[sort]
    try:
        document = orjson.loads(source)
        if not isinstance(document, dict):
            raise Malformed("document", "the document should be an object")
        item.kind, item.entry = kind, read(document, item.id, create=item.action == "create")
    except ValueError:
        item.error = (400, "mapper_parsing_exception", "the document is no JSON")
    except Fault as fault:
        item.error = (400, "mapper_parsing_exception", fault.text)


def outcome(found: Sequence[Item], took: float) -> bytes:
    """The answer; `took` is in seconds."""
    told = [item.told() for item in found]
    errors = any(item.error is not None for item in found)
    return orjson.dumps({"took": round(took * 1000), "errors": errors, "items": told})
