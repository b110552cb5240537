"""Wire JSON of letters, and what a listing's query may say."""

from __future__ import annotations

import re
from datetime import datetime

from multidict import MultiMapping
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from libs.shared.errors import Flaw, Invalid
from services.notification.domain.letter import Letter, State
from services.notification.queries.letter import Found, Wanted

MOST = 1000
PLACE = re.compile(r"\d{8}T\d{12}-[0-9a-f]{32}")
PARAMETERS = (
    ("limit", f"how many at most, 1 to {MOST}; 100 unless given"),
    ("after", "where to go on: `next` of the page before"),
    ("to", "only letters to this address"),
    ("state", "only letters in this state: queued, sending, sent or undeliverable"),
)


class LetterShape(BaseModel):
    """A letter as clients see it; times are RFC 3339 in UTC, absent where there is none."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    id: str
    to: str
    user: str
    subject: str
    body: str
    state: State
    message_id: str
    occasion: str
    attempts: int
    queued_at: str
    due_at: str | None = None
    sent_at: str | None = None
    last_error: str


class LettersShape(BaseModel):
    """A page of letters; `next` is absent on the last one."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    items: list[LetterShape]
    total_items: int
    next: str | None = None


def moment(at: datetime) -> str:
    """RFC 3339, UTC, microseconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def letter(letter: Letter) -> LetterShape:
    """One letter; `dueAt` while it waits for its next attempt."""
    return LetterShape(
        id=letter.id,
        to=letter.to,
        user=letter.user,
        subject=letter.subject,
        body=letter.body,
        state=letter.state,
        message_id=letter.message_id,
        occasion=letter.occasion.value,
        attempts=letter.attempts,
        queued_at=moment(letter.queued_at),
        due_at=moment(letter.due_at) if letter.state is State.QUEUED else None,
        sent_at=moment(letter.sent_at) if letter.sent_at else None,
        last_error=letter.last_error,
    )


def letters(found: Found) -> LettersShape:
    """A page."""
    return LettersShape(items=[letter(one) for one in found.letters], total_items=found.total, next=found.next or None)


def wanted(query: MultiMapping[str]) -> Wanted:
    """What the query asks for; raises `Invalid` naming each parameter that is wrong."""
    flaws = [Flaw(name, "is no parameter here") for name in set(query) - dict(PARAMETERS).keys()]
    flaws += [Flaw(name, "may be given once") for name in set(query) if len(query.getall(name)) > 1]
    limit, after, state = query.get("limit", "100"), query.get("after", ""), query.get("state", "")
    if not re.fullmatch(r"[0-9]{1,4}", limit) or not 1 <= int(limit) <= MOST:
        flaws.append(Flaw("limit", f"should be a number from 1 to {MOST}", limit))
    if after and not PLACE.fullmatch(after):
        flaws.append(Flaw("after", "should be `next` of a page", after))
    if state and state not in set(State):
        flaws.append(Flaw("state", f"should be one of {', '.join(State)}", state))
    if flaws:
        told = "; ".join(f"{flaw.field} {flaw.text}" for flaw in flaws)
        raise Invalid("query", f"the query is not accepted: {told}", flaws=tuple(flaws))
    return Wanted(query.get("to", ""), State(state) if state else None, after, int(limit))
