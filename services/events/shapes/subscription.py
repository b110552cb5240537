"""Wire JSON of subscriptions and their deliveries."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from multidict import MultiMapping
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from libs.shared.errors import Flaw, Invalid
from libs.shared.values import Secret
from services.events.domain.delivery import Delivery, Progress
from services.events.domain.subscription import State, Subscription

MOST = 1000
NUMBER = re.compile(r"[0-9]{1,18}")
NAME = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
LIST_PARAMETERS = (
    ("limit", f"how many at most, 1 to {MOST}; 100 unless given"),
    ("after", "where to go on: `next` of the page before"),
    ("owner", "whose, for platform administrators, who see everybody's unless it is given"),
)
ONE_PARAMETERS = (("owner", "whose subscription of that name, for platform administrators; one's own unless given"),)
DELIVERY_PARAMETERS = (
    ("limit", f"how many at most, 1 to {MOST}; 100 unless given"),
    ("before", "only those of positions before this one: `next` of the page before"),
    *ONE_PARAMETERS,
)


class Shape(BaseModel):
    """Nothing unknown is accepted; names are in camel case."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True)


class SinkShape(Shape):
    """Where events are posted."""

    type: Literal["webhook"]
    url: Annotated[str, Field(min_length=1, max_length=2048)]


class SubscribeShape(Shape):
    """What a subscription is made of. `from` is the position to begin with; what comes from now on unless given."""

    name: Annotated[str, Field(pattern=NAME)]
    types: Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(min_length=1, max_length=64)]
    sink: SinkShape
    workspace: Annotated[str, Field(max_length=63)] = ""
    start: Annotated[int | None, Field(alias="from", ge=1)] = None


class ReplayShape(Shape):
    """The position to begin with again."""

    start: Annotated[int, Field(alias="from", ge=1)]


class SubscriptionShape(BaseModel):
    """A subscription; `secret` stands in the answer to its making alone. `position` is up to where the log has been
    looked through for it.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    name: str
    uid: str
    owner: str
    types: tuple[str, ...]
    workspace: str | None
    sink: SinkShape
    state: State
    reason: str | None
    position: int
    created_at: str
    secret: str | None = None


class SubscriptionsShape(BaseModel):
    """A page; `next` is absent on the last one."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    items: list[SubscriptionShape]
    total_items: int
    next: str | None = None


class DeliveryShape(BaseModel):
    """One event on its way; `status` is that of the receiver's last answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    event: str
    position: int
    type: str
    subject: str
    state: Progress
    attempts: int
    status: int | None
    last_error: str | None
    due_at: str | None
    ended_at: str | None


class DeliveriesShape(BaseModel):
    """A page, the newest first; `next` is absent on the last one."""

    items: list[DeliveryShape]
    next: int | None = None


def moment(at: datetime) -> str:
    """RFC 3339, UTC, microseconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def subscription(one: Subscription, secret: Secret | None = None) -> SubscriptionShape:
    """One subscription."""
    return SubscriptionShape(
        name=one.name,
        uid=one.uid,
        owner=one.owner,
        types=one.types,
        workspace=one.workspace or None,
        sink=SinkShape(type="webhook", url=one.url),
        state=one.state,
        reason=one.reason or None,
        position=one.cursor,
        created_at=moment(one.created_at),
        secret=secret.reveal() if secret is not None else None,
    )


def delivery(one: Delivery) -> DeliveryShape:
    """One delivery."""
    return DeliveryShape(
        event=one.event,
        position=one.position,
        type=one.type,
        subject=one.subject,
        state=one.state,
        attempts=one.attempts,
        status=one.status or None,
        last_error=one.last_error or None,
        due_at=moment(one.due_at) if one.state is Progress.PENDING else None,
        ended_at=moment(one.ended_at) if one.ended_at else None,
    )


def asked(query: MultiMapping[str], parameters: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """The query's parameters; raises `Invalid` naming each that isn't one, is given twice, or is no number."""
    flaws = [Flaw(name, "is no parameter here") for name in set(query) - dict(parameters).keys()]
    flaws += [Flaw(name, "may be given once") for name in set(query) if len(query.getall(name)) > 1]
    limit, before = query.get("limit", "100"), query.get("before", "0")
    if not NUMBER.fullmatch(limit) or not 1 <= int(limit) <= MOST:
        flaws.append(Flaw("limit", f"should be a number from 1 to {MOST}", limit))
    if not NUMBER.fullmatch(before):
        flaws.append(Flaw("before", "should be a position", before))
    if flaws:
        told = "; ".join(f"{flaw.field} {flaw.text}" for flaw in flaws)
        raise Invalid("query", f"the query is not accepted: {told}", flaws=tuple(flaws))
    return {"limit": limit, "before": before, "after": query.get("after", ""), "owner": query.get("owner", "")}
