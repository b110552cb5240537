"""From an alert that is told to receivers that are: gathered, deduplicated by state, in one unit with the messages."""

from __future__ import annotations

from pathlib import Path

from libs.shared.errors import Busy
from services.notification.domain.letter import State
from services.notification.domain.notice import Progress
from services.notification.domain.signal import Bunch, Signal
from services.notification.domain.told import Told
from services.notification.parts import Parts
from services.notification.queries.signal import due_bunches
from services.notification.tests.alarms import firing, kept, notices, resolved, sink, telling
from services.notification.tests.stage import Everyone, advance, letters, opened, sending, told, until, virtual
from services.notification.workers.signals import spread


async def spread_now(parts: Parts) -> None:
    """Tell what is due after the wait."""
    await advance(parts, 5)
    await spread(await due_bunches(parts.store, parts.clock(), 5, 300), parts)


async def test_alert_becomes_one_message_a_receiver_and_channel(tmp_path: Path) -> None:
    """Alerts that fire within the wait are told together: a letter to each address, a message to each webhook."""
    async with opened(tmp_path) as parts, sink() as hook:
        await kept(parts, "receivers", "ops", email={"to": ["a@example.com", "b@example.com"]})
        await kept(parts, "receivers", "hook", webhook={"url": hook.url})
        await told(parts, firing("a"), "1")
        await advance(parts, 2)
        await told(parts, firing("b"), "2")
        async with telling(parts), sending(parts):
            await until(lambda: waits(parts))
            await advance(parts, 3)
            await until(lambda: all_sent(parts, 2, 1))
        assert sorted(one.to for one in await letters(parts)) == ["a@example.com", "b@example.com"]
        assert hook.states == [["firing", "firing"]]
        assert hook.heard[0]["commonLabels"]["alertname"] == "Down"


async def waits(parts: Parts) -> bool:
    return virtual(parts).sleepers > 1


async def all_sent(parts: Parts, mails: int, posts: int) -> bool:
    found = [one.state for one in await letters(parts)]
    posted = [one.state for one in await notices(parts)]
    return found.count(State.SENT) == mails and posted.count(Progress.DELIVERED) == posts


async def test_told_twice_is_told_once(tmp_path: Path) -> None:
    """An event that is delivered again, with or without the inbox, makes no second message; nor does another look."""
    async with opened(tmp_path, review=1) as parts:
        await kept(parts, "receivers", "hook", webhook={"url": "http://127.0.0.1:9/"})
        await told(parts, firing(), "1")
        await spread_now(parts)
        await told(parts, firing(), "1")
        await told(parts, firing(), "1", inbox=False)
        await spread_now(parts)
        assert len(await notices(parts)) == 1


async def test_resolved_is_told_to_whom_it_was_told_to_fire(tmp_path: Path) -> None:
    """What is over is told once and then forgotten with all that is known of it; what nobody was told of never is."""
    async with opened(tmp_path) as parts:
        await kept(parts, "receivers", "hook", webhook={"url": "http://127.0.0.1:9/"})
        await told(parts, firing("a"), "1")
        await spread_now(parts)
        await told(parts, resolved("a"), "2")
        await told(parts, firing("b"), "3")
        await told(parts, resolved("b"), "4")
        await spread_now(parts)
        states = [one.body.count('"resolved"') for one in await notices(parts)]
        assert states == [0, 1]
        assert [await parts.store.of(kind).count() for kind in (Bunch, Signal, Told)] == [0, 0, 0]


async def test_old_news_change_nothing(tmp_path: Path) -> None:
    """What comes late, of an earlier time that the alert fired, doesn't end the present one."""
    async with opened(tmp_path) as parts:
        later = "2026-01-02T00:00:00.000000Z"
        await told(parts, firing(since=later), "1")
        await told(parts, resolved(), "2")
        (signal,) = await parts.store.of(Signal).find()
        assert (signal.firing, signal.starts_at) == (True, later)


async def test_tenant_hears_of_what_he_may_see(tmp_path: Path) -> None:
    """A namespace's alert reaches the platform's receivers and those of tenants who may see it, and no others; one of
    no namespace the platform's alone.
    """
    async with opened(tmp_path, sights=Everyone(("nina", "shop"))) as parts:
        for name, owner in (("all", ""), ("ninas", "nina"), ("omars", "omar")):
            await kept(parts, "receivers", name, owner, email={"to": [f"{name}@example.com"]})
        await told(parts, firing("a"), "1")
        await told(parts, firing("b", namespace=""), "2")
        await spread_now(parts)
        assert sorted(one.to for one in await letters(parts)) == [
            "all@example.com",
            "all@example.com",
            "ninas@example.com",
        ]


async def test_nobody_is_told_while_rights_are_unknown(tmp_path: Path) -> None:
    """While the gateway can't say what a tenant may see, the bunch waits whole, and is told later."""
    sights = Everyone(("nina", "shop"))
    async with opened(tmp_path, sights=sights) as parts:
        await kept(parts, "receivers", "ninas", "nina", email={"to": ["n@example.com"]})
        await told(parts, firing(), "1")
        sights.fault = Busy("sights", "not now")
        async with telling(parts):
            await advance(parts, 6)
            await until(lambda: waits(parts))
            assert await letters(parts) == []
            sights.fault = None
            await advance(parts, 2)
            await until(lambda: written(parts, 1))


async def written(parts: Parts, count: int) -> bool:
    return len(await letters(parts)) == count


async def test_silence_router_and_selectors(tmp_path: Path) -> None:
    """A receiver's selector narrows what it hears; a router brings an alert to a receiver that would not hear it; a
    silence keeps it from all, a tenant's from that tenant.
    """
    async with opened(tmp_path, sights=Everyone(("nina", "shop"))) as parts:
        critical = {"matchLabels": {"severity": "critical"}}
        await kept(parts, "receivers", "some", email={"to": ["some@example.com"], "alertSelector": critical})
        await kept(parts, "receivers", "all", email={"to": ["all@example.com"]})
        await kept(parts, "receivers", "ninas", "nina", email={"to": ["n@example.com"]})
        way = {"matchLabels": {"pod": "b"}}
        await kept(parts, "routers", "way", alertSelector=way, receivers={"name": ["some"]})
        await kept(parts, "silences", "hush", matcher={"matchLabels": {"pod": "c"}})
        await kept(parts, "silences", "mine", "nina", matcher={"matchLabels": {"pod": "b"}})
        for pod in ("a", "b", "c"):
            await told(parts, firing(pod), pod)
        await spread_now(parts)
        found = {one.to: [pod for pod in "abc" if f"pod: {pod}" in one.body] for one in await letters(parts)}
        assert found == {"some@example.com": ["b"], "all@example.com": ["a", "b"], "n@example.com": ["a"]}
