"""Parked messages: retried from the head of their subject, released, discarded, shown."""

import sqlite3
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from libs.shared.delivery import parked
from libs.shared.delivery.consume import Limits
from libs.shared.delivery.parked import Parked, ParkedLane
from libs.shared.delivery.rest import DESK, Desk, routes
from libs.shared.delivery.retry import SLOW, Backoff
from libs.shared.errors import Invalid, Missing
from libs.shared.tests.delivery_world import created, disabled, not_here_yet, opened


@pytest.fixture
async def world(tmp_path):
    async with opened(tmp_path) as world:
        yield world


async def park(world, errors, *events):
    """Have bob's first event parked, and what follows behind it."""
    world.plan["bob"] = errors
    world.start(world.relay().run())
    world.start(world.consumer(Limits(tries=1)).run())
    await world.emit(*events)

    async def parked():
        return await world.mail.of(Parked).count() == len(events)

    await world.pass_until(parked, seconds=0.1)
    return sorted(await world.mail.of(Parked).find(), key=lambda one: one.position)


async def test_healed_by_a_slow_retry_in_order(world):
    """After a minute the head is tried again, and with it all that waits behind, in order, each once."""
    await park(world, [not_here_yet()], created("bob"), disabled("bob"), created("bob"))
    await world.retries().once()
    assert await world.letters() == {}
    await world.clock.advance(61)
    await world.retries().once()
    assert await world.letters() == {"bob": ("UserCreated", "UserDisabled", "UserCreated")}
    assert await world.mail.of(Parked).count() == 0
    assert await world.mail.of(ParkedLane).count() == 0
    await world.emit(disabled("bob"))

    async def straight():
        return len((await world.letters())["bob"]) == 4

    await world.pass_until(straight)


async def test_failing_again_waits_longer(world):
    """Each failure of a parked head doubles its wait, and what waits behind it is not tried before it."""
    await park(world, [not_here_yet() for _ in range(4)], created("bob"), disabled("bob"))
    await world.clock.advance(61)
    await world.retries().once()
    head, behind = sorted(await world.mail.of(Parked).find(), key=lambda one: one.position)
    assert head.attempts == 2
    assert head.next_try - world.clock() == timedelta(seconds=120)
    await world.retries().once()
    runs = world.runs["bob"]
    await world.clock.advance(100)
    await world.retries().once()
    assert world.runs["bob"] == runs
    assert behind.attempts == 0
    assert (await world.mail.of(Parked).get(behind.id)).waits


async def test_the_worker_looks_by_itself(world):
    """The loop retries without being asked."""
    await park(world, [not_here_yet()], created("bob"))
    world.start(world.retries().run())

    async def healed():
        return "bob" in await world.letters()

    await world.pass_until(healed, seconds=5)


async def test_release_tries_at_once(world):
    """Releasing any message of a subject has its head tried at the next look."""
    _, behind = await park(world, [not_here_yet()], created("bob"), disabled("bob"))
    await world.mail.transact(parked.release, behind.id, at=world.clock())
    await world.retries().once()
    assert await world.letters() == {"bob": ("UserCreated", "UserDisabled")}


async def test_discard_lets_the_rest_go_on(world):
    """A discarded message never has an effect, not even when the bus delivers it again; the next ones go on."""
    head, _ = await park(world, [ValueError("boom")], created("bob"), disabled("bob"))
    await world.mail.transact(parked.discard, head.id, "mail", at=world.clock())
    await world.retries().once()
    assert await world.letters() == {"bob": ("UserDisabled",)}
    async with world.bus.group("again", ["orrery.*"]) as group:
        (delivery,) = await group.fetch(1, 1)
    assert (await world.consumer()._outcome(delivery)).outcome == "seen"
    with pytest.raises(Missing):
        await world.mail.transact(parked.discard, head.id, "mail", at=world.clock())


async def test_parked_twice_is_parked_once(world):
    """A parked message whose acknowledgement was lost is not parked a second time."""
    await park(world, [ValueError("boom")], created("bob"))
    async with world.bus.group("again", ["orrery.*"]) as group:
        (delivery,) = await group.fetch(1, 1)
    assert (await world.consumer()._outcome(delivery)).outcome == "parked"
    assert await world.mail.of(Parked).count() == 1
    assert (await world.mail.of(ParkedLane).find())[0].parked == 1


async def test_what_cannot_be_read_is_parked_as_bytes(world):
    """Foreign bytes on the bus are parked as they are, fail again when retried, and can be discarded."""
    await world.bus.close()
    connection = sqlite3.connect(world.folder / "bus.db")
    with connection:
        sent = int(world.clock().timestamp() * 1_000_000)
        connection.execute("INSERT INTO log (type, sent, body) VALUES ('', ?, ?)", (sent, b"\xff\x00junk"))
    connection.close()
    await world.mail.close()
    await world.accounts.close()
    await world.open()
    world.start(world.consumer().run())

    async def parked_now():
        return await world.mail.of(Parked).count() == 1

    await world.pass_until(parked_now, seconds=0.01)
    (one,) = await world.mail.of(Parked).find()
    assert (one.raw, one.event) == ("/wBqdW5r", "")
    await world.clock.advance(61)
    await world.retries().once()
    (one,) = await world.mail.of(Parked).find()
    assert one.attempts == 2


@pytest.fixture
async def client(world):
    app = web.Application()
    app[DESK] = Desk("mail", world.mail, world.clock)

    def bound(handler):
        async def answer(request):
            try:
                return await handler(request, None)
            except Missing:
                return web.Response(status=404)
            except Invalid as error:
                return web.json_response({"flaws": [flaw.field for flaw in error.flaws]}, status=400)

        return answer

    for route in routes():
        app.router.add_route(route.method, route.path, bound(route.handler))
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_listed_released_and_discarded_by_rest(world, client):
    """The routes page through what is parked, release it and discard it."""
    head, behind = await park(world, [ValueError("boom") for _ in range(9)], created("bob"), disabled("bob"))
    page = await (await client.get("/internal/delivery/v1/parked?limit=1")).json()
    assert page["totalItems"] == 2
    assert [(one["id"], one["waiting"], one["service"]) for one in page["items"]] == [(head.id, False, "mail")]
    assert "boom" in page["items"][0]["reason"]
    page = await (await client.get("/internal/delivery/v1/parked?limit=1&offset=1")).json()
    assert [one["id"] for one in page["items"]] == [behind.id]
    released = await client.post(f"/internal/delivery/v1/parked/{head.id}/release")
    assert released.status == 202
    assert (await client.delete(f"/internal/delivery/v1/parked/{head.id}")).status == 204
    assert (await client.delete(f"/internal/delivery/v1/parked/{head.id}")).status == 404
    assert (await client.post("/internal/delivery/v1/parked/nothing/release")).status == 404


@pytest.mark.parametrize(
    "query", ["limit=-5", "limit=0", "limit=501", "limit=x", "offset=-1", "limit=٣", "limit=" + "9" * 50]
)
async def test_wrong_pages_are_refused(world, client, query):
    """A page that can't be is refused naming the field."""
    answer = await client.get(f"/internal/delivery/v1/parked?{query}")
    assert answer.status == 400
    assert (await answer.json())["flaws"] == [query.partition("=")[0]]


def test_backoff_grows_to_its_bound():
    """Waits double from the first to the most, however many attempts there were."""
    backoff = Backoff(first=1, most=10)
    assert [backoff.after(n) for n in range(1, 7)] == [1, 2, 4, 8, 10, 10]
    assert SLOW.after(100_000) == 3600
