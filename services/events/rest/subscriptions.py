"""`/kapis/events.orrery.io/v1/subscriptions`: who is told of what, and how it went. Everybody has his own."""

from __future__ import annotations

import secrets

from aiohttp import web
from pydantic import BaseModel

from libs.shared.egress.target import Target
from libs.shared.errors import Denied, Fault, Flaw, Gone, Invalid
from libs.shared.http.answers import answer
from libs.shared.http.identity import caller
from libs.shared.http.reading import strict
from libs.shared.http.route import Access, May, Mine, Question, Route
from services.events.commands import subscription as commands
from services.events.domain.signature import SECRET_BYTES, secret_of
from services.events.domain.subscription import Subscription, belongs, key_of
from services.events.domain.types import require_known
from services.events.parts import Parts
from services.events.queries import delivery as deliveries
from services.events.queries import log
from services.events.queries import subscription as queries
from services.events.rest.log import viewer_of
from services.events.shapes import log as log_shapes
from services.events.shapes import subscription as shapes

V1 = "/kapis/events.orrery.io/v1/subscriptions"
ALL = May("events.all", verb="list", resource="events", group="events.orrery.io", scope="Global")
HIS: tuple[Question, ...] = (ALL, Mine("workspaces", of="workspaces"))


def answered(shape: BaseModel, status: int = 200) -> web.Response:
    """The shape as JSON, without what is None."""
    text = shape.model_dump_json(by_alias=True, exclude_none=True)
    return web.Response(
        text=text, status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


async def create(request: web.Request, parts: Parts) -> web.Response:
    """Subscribe. The answer holds the secret that deliveries are signed with; it is shown this once."""
    wish = await strict(request, shapes.SubscribeShape)
    require_known(wish.types)
    viewer = await viewer_of(request)
    if wish.workspace and not viewer.everything and wish.workspace not in viewer.workspaces:
        raise Denied("workspace", f"{viewer.user} is no member of a workspace {wish.workspace}")
    await require_reachable(wish.sink.url, parts)
    head = (await log.log_cursor(parts.store)).position
    start = await _start(wish.start, head, parts) if wish.start is not None else head + 1
    secret, uid = secret_of(secrets.token_bytes(SECRET_BYTES)), secrets.token_hex(16)
    made = Subscription(
        path=key_of(viewer.user, wish.name),
        uid=uid,
        name=wish.name,
        owner=viewer.user,
        types=tuple(dict.fromkeys(wish.types)),
        workspace=wish.workspace,
        url=wish.sink.url,
        secret="",
        created_at=parts.clock(),
        cursor=start - 1,
    )
    sealed = made.model_copy(update={"secret": parts.desk.sealer.seal(secret, belongs(made))})
    kept = await parts.store.transact(
        commands.create_subscription,
        sealed,
        most=parts.settings.subscriptions,
        most_of_user=parts.settings.subscriptions_per_user,
    )
    parts.desk.bells.changed.ring()
    return answered(shapes.subscription(kept, secret), web.HTTPCreated.status_code)


async def require_reachable(url: str, parts: Parts) -> None:
    """Raise `Invalid` for an address that deliveries could never go to, before it is kept."""
    try:
        target = Target.parsed(url)
        await parts.desk.egress.vetted(target.host, target.port)
    except Fault as fault:
        raise Invalid("sink", f"sink.url: {fault.text}", flaws=(Flaw("sink.url", fault.text, url),)) from None


async def _start(start: int, head: int, parts: Parts) -> int:
    """The position, when the log has it or will have it next. Raises `Gone` and `Invalid`."""
    log_shapes.check_position(start - 1, head)
    swept = await log.swept_through(parts.store)
    if start <= swept:
        raise Gone("position-gone", f"position {start} is no longer kept: the oldest is {swept + 1}")
    return start


async def list_all(request: web.Request, parts: Parts) -> web.Response:
    """One's own subscriptions, in pages; platform administrators see everybody's."""
    asked = shapes.asked(request.rel_url.query, shapes.LIST_PARAMETERS)
    owner, limit = await _owner(request, asked["owner"], everybody=True), int(asked["limit"])
    page, total = await queries.list_subscriptions(parts.store, owner, asked["after"], limit)
    more = page[-1].key if len(page) == limit else None
    items = [shapes.subscription(one) for one in page]
    return answered(shapes.SubscriptionsShape(items=items, total_items=total, next=more))


async def get(request: web.Request, parts: Parts) -> web.Response:
    """One subscription, without its secret."""
    return answered(shapes.subscription(await _one(request, parts)))


async def delete(request: web.Request, parts: Parts) -> web.Response:
    """Deliver nothing more, and forget it."""
    one = await _one(request, parts)
    gone = await parts.store.transact(commands.delete_subscription, one.key, by=caller(request).user)
    parts.desk.bells.changed.ring()
    return answered(shapes.subscription(gone))


async def list_deliveries(request: web.Request, parts: Parts) -> web.Response:
    """What became of each event that it wants, the newest first."""
    asked = shapes.asked(request.rel_url.query, shapes.DELIVERY_PARAMETERS)
    one = await _found(request, asked["owner"], parts)
    limit = int(asked["limit"])
    page = await deliveries.list_deliveries(parts.store, one.uid, int(asked["before"]), limit)
    more = page[-1].position if len(page) == limit else None
    return answered(shapes.DeliveriesShape(items=[shapes.delivery(each) for each in page], next=more))


async def replay(request: web.Request, parts: Parts) -> web.Response:
    """Deliver again from a position on, under the same `webhook-id`s; ends a suspension."""
    wish = await strict(request, shapes.ReplayShape)
    one = await _one(request, parts)
    await _start(wish.start, (await log.log_cursor(parts.store)).position, parts)
    put_back = await parts.store.transact(commands.replay_subscription, one.key, start=wish.start)
    parts.desk.bells.changed.ring()
    return answered(shapes.subscription(put_back))


async def _one(request: web.Request, parts: Parts) -> Subscription:
    asked = shapes.asked(request.rel_url.query, shapes.ONE_PARAMETERS)
    return await _found(request, asked["owner"], parts)


async def _found(request: web.Request, owner: str, parts: Parts) -> Subscription:
    owner = await _owner(request, owner, everybody=False)
    return await queries.find_subscription(parts.store, owner, request.match_info["name"])


async def _owner(request: web.Request, asked: str, *, everybody: bool) -> str:
    """Whose are meant; empty for everybody's. Raises `Denied` for another's, whether there is one or not."""
    own = caller(request).user
    if asked in ("", own) and not (everybody and not asked):
        return own
    if await answer(request, "events.all") is True:
        return asked
    if asked in ("", own):
        return own
    raise Denied("not-yours", "only platform administrators see the subscriptions of others")


ROUTES = (
    Route(
        "POST",
        V1,
        create,
        access=Access.SIGNED_IN,
        questions=HIS,
        body=shapes.SubscribeShape,
        answer=shapes.SubscriptionShape,
        status=201,
    ),
    Route(
        "GET",
        V1,
        list_all,
        access=Access.SIGNED_IN,
        questions=(ALL,),
        answer=shapes.SubscriptionsShape,
        parameters=shapes.LIST_PARAMETERS,
    ),
    Route(
        "GET",
        V1 + "/{name}",
        get,
        access=Access.SIGNED_IN,
        questions=(ALL,),
        answer=shapes.SubscriptionShape,
        parameters=shapes.ONE_PARAMETERS,
    ),
    Route(
        "DELETE",
        V1 + "/{name}",
        delete,
        access=Access.SIGNED_IN,
        questions=(ALL,),
        answer=shapes.SubscriptionShape,
        parameters=shapes.ONE_PARAMETERS,
    ),
    Route(
        "GET",
        V1 + "/{name}/deliveries",
        list_deliveries,
        access=Access.SIGNED_IN,
        questions=(ALL,),
        answer=shapes.DeliveriesShape,
        parameters=shapes.DELIVERY_PARAMETERS,
    ),
    Route(
        "POST",
        V1 + "/{name}/replay",
        replay,
        access=Access.SIGNED_IN,
        questions=(ALL,),
        body=shapes.ReplayShape,
        answer=shapes.SubscriptionShape,
        parameters=shapes.ONE_PARAMETERS,
    ),
)
