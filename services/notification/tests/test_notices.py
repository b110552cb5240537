"""Messages to webhooks and Slack: receivers that are down, slow or talk nonsense, hostile addresses, deaths between."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from libs.shared import failpoints
from libs.shared.errors import Broken, Invalid
from services.notification.commands import object as objects
from services.notification.domain.notice import Progress
from services.notification.domain.object import Receiver
from services.notification.parts import Parts
from services.notification.queries.notice import ended_notices
from services.notification.queries.signal import due_bunches
from services.notification.tests.alarms import Sink, firing, kept, notices, resolved, sink, telling
from services.notification.tests.stage import Everyone, advance, failing, opened, told, until, virtual
from services.notification.workers.notices import send, send_notices
from services.notification.workers.signals import spread, spread_signals


async def queued(parts: Parts, name: str = "a") -> None:
    """An alert is told, and its messages wait."""
    await told(parts, firing(name, rule_id=name), name)
    await advance(parts, 5)
    await spread(await due_bunches(parts.store, parts.clock(), 5, 300), parts)


async def sent_once(parts: Parts) -> None:
    """One attempt for each that waits."""
    for notice in await notices(parts):
        if notice.state is Progress.QUEUED:
            await send(notice, parts)


async def ended(parts: Parts, *states: Progress) -> bool:
    """Whether all are in these states."""
    return [one.state for one in await notices(parts)] == list(states)


@asynccontextmanager
async def babbling(said: bytes) -> AsyncIterator[str]:
    """A server that answers everything with these bytes and hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_not_now_is_tried_again_as_the_same_message(tmp_path: Path) -> None:
    """503 and 429: nothing happens until the pause, or what the receiver asked for, has passed; then the same body
    goes through under the same Idempotency-Key.
    """
    async with opened(tmp_path, retry_first=5) as parts, sink() as hook:
        await kept(parts, "receivers", "hook", webhook={"url": hook.url})
        hook.answers = [web.Response(status=503), web.Response(status=429, headers={"Retry-After": "60"})]
        await queued(parts)
        async with telling(parts):
            await until(lambda: heard(hook, 1, parts))
            await advance(parts, 5)
            await until(lambda: heard(hook, 2, parts))
            await advance(parts, 30)
            await until(lambda: heard(hook, 2, parts))
            await advance(parts, 31)
            await until(lambda: ended(parts, Progress.DELIVERED))
        assert len({headers["Idempotency-Key"] for headers in hook.headers}) == 1
        assert hook.heard[0] == hook.heard[2]
        assert [row.envelope.name for row in await parts.store.outbox.waiting(99)][-1] == "NoticeDelivered"


async def heard(hook: Sink, count: int, parts: Parts) -> bool:
    tried = sum(one.attempts for one in await notices(parts))
    return len(hook.heard) == count and tried == count and virtual(parts).sleepers > 1


@pytest.mark.parametrize("status", [301, 400, 403, 404, 410])
async def test_refusal_is_final(tmp_path: Path, status: int) -> None:
    """A receiver that says no, or sends elsewhere, isn't asked again, and it is told why; what is behind goes on."""
    async with opened(tmp_path) as parts, sink() as hook:
        await kept(parts, "receivers", "hook", webhook={"url": hook.url})
        hook.answers = [web.Response(status=status, headers={"Location": hook.url})]
        await queued(parts, "a")
        await queued(parts, "b")
        async with telling(parts):
            await until(lambda: ended(parts, Progress.ABANDONED, Progress.DELIVERED))
        (lost, _) = await notices(parts)
        assert lost.attempts == 1
        assert ("redirects" if status == 301 else str(status)) in lost.last_error


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nBad\x00: 1\r\n\r\n",
    ],
)
async def test_nonsense_is_no_success(tmp_path: Path, said: bytes) -> None:
    """What answers nothing, no HTTP, or more than is read has not taken the message: it waits for its next attempt."""
    async with opened(tmp_path) as parts, babbling(said) as url:
        await kept(parts, "receivers", "hook", webhook={"url": url})
        await queued(parts)
        await sent_once(parts)
        (waiting,) = await notices(parts)
        assert (waiting.state, waiting.attempts) == (Progress.QUEUED, 1)
        assert waiting.last_error


async def test_receiver_that_is_down_is_given_up_in_the_end(tmp_path: Path) -> None:
    """Nobody there: tried with growing pauses until patience is at its end, then told to be abandoned."""
    async with opened(tmp_path, retry_first=1, give_up=20) as parts:
        await kept(parts, "receivers", "hook", webhook={"url": "http://127.0.0.1:1/"})
        await queued(parts)
        for _ in range(40):
            await sent_once(parts)
            await advance(parts, 1)
        (lost,) = await notices(parts)
        assert lost.state is Progress.ABANDONED
        names = [row.envelope.name for row in await parts.store.outbox.waiting(99)]
        assert names.count("NoticeAbandoned") == 1
        assert await ended_notices(parts.store, parts.clock()) == [lost.id]


async def test_slow_receiver_holds_up_nobody_else(tmp_path: Path) -> None:
    """While one receiver takes its time, another hears everything in order; the slow one gets one message at a time."""
    async with opened(tmp_path) as parts, sink() as slow, sink() as quick:
        slow.holds = asyncio.Event()
        await kept(parts, "receivers", "slow", webhook={"url": slow.url})
        await kept(parts, "receivers", "quick", webhook={"url": quick.url})
        await queued(parts, "a")
        await told(parts, resolved("a", rule_id="a"), "over")
        await advance(parts, 5)
        await spread(await due_bunches(parts.store, parts.clock(), 5, 300), parts)
        async with telling(parts):
            await until(lambda: counted(quick, 2))
            assert quick.states == [["firing"], ["resolved"]]
            assert len(slow.heard) == 1
            slow.holds.set()
            await until(lambda: counted(slow, 2))


async def counted(hook: Sink, count: int) -> bool:
    return len(hook.heard) == count


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/",
        "http://localhost/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0x7f000001/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
    ],
)
async def test_inner_addresses_are_not_reached(tmp_path: Path, url: str) -> None:
    """A receiver's URL reaches nothing inside, however it is spelled: the message is given up with the reason."""
    async with opened(tmp_path, allow="192.0.2.1") as parts:
        await kept(parts, "receivers", "hook", webhook={"url": url})
        await queued(parts)
        await sent_once(parts)
        (lost,) = await notices(parts)
        assert lost.state is Progress.ABANDONED
        assert "may not be reached" in lost.last_error


@pytest.mark.parametrize("url", ["ftp://x/", "file:///etc/passwd", "gopher://x", "//x", "", "javascript:alert(1)", 5])
async def test_what_is_no_url_is_refused(tmp_path: Path, url: object) -> None:
    """Anything but http and https is refused when it is written."""
    async with opened(tmp_path) as parts:
        with pytest.raises(Invalid, match="url"):
            await kept(parts, "receivers", "hook", webhook={"url": url})


async def test_credentials_go_along_and_are_nowhere_else(tmp_path: Path) -> None:
    """A password given by value, and a token in a secret of the same owner, are sent; neither stands in the store, nor
    in what is told. A secret of somebody else is not opened.
    """
    async with opened(tmp_path, sights=Everyone(("nina", "shop"))) as parts, sink() as hook:
        token = {"valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}}
        await kept(parts, "secrets", "keys", data={"token": base64.b64encode(b"t0ken-1").decode()})
        basic = {"username": "u", "password": {"value": "pa55-1"}}
        await kept(parts, "receivers", "basic", webhook={"url": hook.url, "httpConfig": {"basicAuth": basic}})
        await kept(parts, "receivers", "bearer", webhook={"url": hook.url, "httpConfig": {"bearerToken": token}})
        await kept(parts, "receivers", "thief", "nina", webhook={"url": hook.url, "httpConfig": {"bearerToken": token}})
        await queued(parts)
        await sent_once(parts)
        given = sorted(headers["Authorization"] for headers in hook.headers)
        assert given == [f"Basic {base64.b64encode(b'u:pa55-1').decode()}", "Bearer t0ken-1"]
        states = {one.receiver: one.state for one in await notices(parts)}
        assert states["thief"] is Progress.ABANDONED
        told_of = "".join(row.envelope.data for row in await parts.store.outbox.waiting(99))
        stored = "".join(one.model_dump_json() for one in await parts.store.of(Receiver).find())
        for secret in ("pa55-1", "t0ken-1", base64.b64encode(b"t0ken-1").decode()):
            assert secret not in told_of + stored


async def test_slack_is_spoken_to_with_its_token(tmp_path: Path) -> None:
    """Each channel gets a message by the config's token; what Slack refuses with 200 has not arrived."""
    async with sink() as slack, opened(tmp_path, slack_url=slack.url) as parts:
        ok, no = web.json_response({"ok": True}), web.json_response({"ok": False, "error": "channel_not_found"})
        slack.answers = [ok, no]
        await kept(parts, "configs", "slack", slack={"slackTokenSecret": {"value": "xoxb-1"}})
        await kept(parts, "receivers", "team", slack={"channels": ["alerts", "gone"]})
        await queued(parts, "<!channel>")
        await sent_once(parts)
        assert [headers["Authorization"] for headers in slack.headers] == ["Bearer xoxb-1"] * 2
        assert {body["channel"] for body in slack.heard} == {"alerts", "gone"}
        assert "<!channel>" not in slack.heard[0]["text"]
        assert sorted(one.state for one in await notices(parts)) == [Progress.ABANDONED, Progress.DELIVERED]


async def test_receiver_that_is_gone_gets_nothing(tmp_path: Path) -> None:
    """What waits for a receiver that was removed is given up, also where another one of its name has come."""
    async with opened(tmp_path) as parts, sink() as hook:
        first = await kept(parts, "receivers", "hook", webhook={"url": hook.url})
        await queued(parts)
        await parts.store.transact(objects.remove_object, first, by="admin")
        async with telling(parts):
            await until(lambda: ended(parts, Progress.ABANDONED))
        assert hook.heard == []


async def test_death_after_sending_sends_the_same_again(tmp_path: Path) -> None:
    """Ended between sending and noting it: the message goes out again under its id, so that the receiver can tell."""
    async with opened(tmp_path) as parts, sink() as hook:
        await kept(parts, "receivers", "hook", webhook={"url": hook.url})
        await queued(parts)
        with pytest.raises(ExceptionGroup):
            await send_notices(failing(parts, failpoints.parsed("notice.after-send=fail")))
        async with telling(parts):
            await until(lambda: ended(parts, Progress.DELIVERED))
        assert len({headers["Idempotency-Key"] for headers in hook.headers}) == 1
        assert len(hook.heard) == 2


async def test_death_after_queuing_queues_nothing_again(tmp_path: Path) -> None:
    """Ended right after messages were queued: they are there, and are not queued again."""
    async with opened(tmp_path) as parts, sink() as hook:
        await kept(parts, "receivers", "hook", webhook={"url": hook.url})
        await told(parts, firing(), "1")
        await advance(parts, 5)
        with pytest.raises(Broken):
            await spread_signals(failing(parts, failpoints.parsed("notices.after-queued=fail")))
        async with telling(parts):
            await until(lambda: ended(parts, Progress.DELIVERED))
        assert len(hook.heard) == 1
