"""Wire JSON of the log: CloudEvents 1.0 in structured mode, in pages and as server-sent events."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from multidict import MultiMapping
from pydantic import BaseModel

from libs.shared.errors import Flaw, Invalid
from services.events.domain.entry import Entry
from services.events.domain.sight import Cut
from services.events.domain.wanted import Wanted
from services.events.queries.log import Found

MOST = 1000
LONGEST = 512
NUMBER = re.compile(r"[0-9]{1,18}")
SUBJECT = re.compile(r"[^/\s]+(/[^/\s]+){1,3}")
MOST_SUBJECTS = 16
HEARTBEAT = b":\n\n"
PARAMETERS = (
    ("after", "only what stands after this position; 0, the oldest that is kept, unless given"),
    ("limit", f"how many at most, 1 to {MOST}; 100 unless given"),
    ("subject", f"only what is about this, such as users/bob or workspaces/ws1; may be given {MOST_SUBJECTS} times"),
    ("type", "only events of this type: UserCreated, or orrery.accounts.v1.UserCreated"),
    ("workspace", "only what happened in this workspace"),
    ("follow", "true: server-sent events that go on for ever; they resume from the header Last-Event-ID"),
)


class EventShape(BaseModel):
    """CloudEvents 1.0 with its extensions; what an event has none of is null."""

    specversion: str
    id: str
    type: str
    source: str
    subject: str
    time: datetime
    datacontenttype: str
    data: dict[str, Any]
    position: int
    sequence: str | None
    actor: str | None
    correlationid: str | None
    causationid: str | None
    traceparent: str | None
    workspace: str | None


class EventsShape(BaseModel):
    """A page; `next` is the `after` to go on with, `oldest` the first position that is kept: what a reader wanted from
    before it is gone.
    """

    items: list[EventShape]
    next: int
    oldest: int


def _fields(entry: Entry) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": entry.event,
        "type": entry.type,
        "source": entry.source,
        "subject": entry.subject,
        "time": entry.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "datacontenttype": "application/json",
        "data": orjson.Fragment(entry.data or "{}"),
        "position": entry.position,
        "sequence": str(entry.sequence) if entry.sequence else None,
        "actor": entry.actor or None,
        "correlationid": entry.correlationid or None,
        "causationid": entry.causationid or None,
        "traceparent": entry.traceparent or None,
        "workspace": entry.workspace or None,
    }


def whole(entry: Entry) -> bytes:
    """One event by itself."""
    return orjson.dumps(_fields(entry))


def page(found: Found) -> bytes:
    """A page as JSON."""
    items = [_fields(entry) for entry in found.entries]
    return orjson.dumps({"items": items, "next": found.next, "oldest": found.swept + 1})


def frame(entry: Entry) -> bytes:
    """An entry as a server-sent event (WHATWG HTML, 9.2)."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (entry.position, entry.kind.encode(), orjson.dumps(_fields(entry)))


def farewell(cut: Cut) -> bytes:
    """The last thing on a stream that is ended from here. It has no id, so a reader resumes where he was."""
    return b"event: cut\ndata: %s\n\n" % orjson.dumps({"reason": cut.reason, "text": cut.text})


def check_position(after: int, last: int) -> None:
    """Raise `Invalid` when it lies beyond the end of the log: it was never given out, or the log is another one."""
    if after > last:
        text = f"position {after} is beyond the end of the log: its last position is {last}"
        raise Invalid("position-beyond", text, flaws=(Flaw("after", f"should be at most {last}", after),))


def wanted(query: MultiMapping[str], last_event_id: str = "") -> tuple[Wanted, bool]:
    """What is asked for, and whether to follow; raises `Invalid` naming each parameter that is wrong.

    `Last-Event-ID` wins over `after`: a browser that reconnects sends both.
    """
    flaws = [Flaw(name, "is no parameter here") for name in set(query) - dict(PARAMETERS).keys()]
    flaws += [Flaw(name, "may be given once") for name in set(query) - {"subject"} if len(query.getall(name)) > 1]
    after, limit, follow = last_event_id or query.get("after", "0"), query.get("limit", "100"), query.get("follow", "")
    if not NUMBER.fullmatch(after):
        flaws.append(Flaw("Last-Event-ID" if last_event_id else "after", "should be a position: 0 or more", after))
    if not NUMBER.fullmatch(limit) or not 1 <= int(limit) <= MOST:
        flaws.append(Flaw("limit", f"should be a number from 1 to {MOST}", limit))
    if follow not in ("", "true", "false"):
        flaws.append(Flaw("follow", "should be true or false", follow))
    texts = {name: query.get(name, "") for name in ("type", "workspace")}
    flaws += [
        Flaw(name, f"should be 1 to {LONGEST} characters")
        for name, text in texts.items()
        if name in query and not 1 <= len(text) <= LONGEST
    ]
    subjects = tuple(dict.fromkeys(query.getall("subject", [])))
    flaws += _flaws_of_subjects(subjects)
    if flaws:
        told = "; ".join(f"{flaw.field} {flaw.text}" for flaw in flaws)
        raise Invalid("query", f"the query is not accepted: {told}", flaws=tuple(flaws))
    return Wanted(int(after), int(limit), subjects, **texts), follow == "true"


def _flaws_of_subjects(subjects: Sequence[str]) -> list[Flaw]:
    if len(subjects) > MOST_SUBJECTS:
        return [Flaw("subject", f"may be given {MOST_SUBJECTS} times")]
    return [
        Flaw("subject", "should be a plural and a name, such as users/bob", subject[:LONGEST])
        for subject in subjects
        if len(subject) > LONGEST or not SUBJECT.fullmatch(subject)
    ]
