"""Evaluations: when, with what state, what is told, and what happens when monitoring fails."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from libs.shared.errors import Broken, Busy, Fault, Invalid
from libs.shared.store.protocol import Find
from services.alerting.commands import evaluation as evaluations
from services.alerting.commands import group as commands
from services.alerting.domain.episode import Episode
from services.alerting.domain.group import Group, GroupWish
from services.alerting.domain.matcher import Matcher
from services.alerting.domain.resource import Level
from services.alerting.domain.standing import Health, Standing
from services.alerting.parts import Parts
from services.alerting.queries.episode import old_episodes
from services.alerting.tests.stage import Series, advance, evaluating, made, opened, outbox, rule, until
from services.alerting.workers import evaluate_group


async def standing(parts: Parts, group: Group) -> Standing:
    return await parts.store.of(Standing).get(group.place)


async def test_alert_waits_fires_and_is_over(tmp_path: Path) -> None:
    """A condition that holds makes an alert that waits, fires once it held as long as `for` says, and is over at once;
    each is told once.
    """
    series = Series({"up == 0": [({"pod": "a"}, 0.0)]})
    async with opened(tmp_path, series) as parts:
        group = await made(parts, rule("Down", "up == 0", for_="10s"))
        await evaluate_group(group, parts)
        assert (await standing(parts, group)).rules[0].alerts[0].state == "pending"
        assert await outbox(parts) == []
        await advance(parts, 10)
        for _ in range(3):
            await evaluate_group(group, parts)
            await advance(parts, 5)
        assert await outbox(parts) == ["AlertFiring"]
        series.answers["up == 0"] = []
        await evaluate_group(group, parts)
        await advance(parts, 5)
        await evaluate_group(group, parts)
        assert await outbox(parts) == ["AlertFiring", "AlertResolved"]
        (episode,) = await parts.store.of(Episode).find()
        assert (episode.open, episode.labels["pod"]) == (False, "a")


async def test_pending_alert_that_stops_is_never_told(tmp_path: Path) -> None:
    """A condition that holds for less than `for` says is nobody's business, and begins from the start next time."""
    series = Series({"up": [({}, 1)]})
    async with opened(tmp_path, series) as parts:
        group = await made(parts, rule("Up", "up", for_="10s"))
        for present in (True, False, True):
            series.answers["up"] = [({}, 1)] if present else []
            await evaluate_group(group, parts)
            await advance(parts, 6)
        await evaluate_group(group, parts)
        assert await outbox(parts) == []


async def test_state_is_kept_over_a_restart(tmp_path: Path) -> None:
    """Since when a condition holds outlives the process, and what was told before is not told again."""
    series = Series({"a": [({}, 1)], "b": [({}, 1)]})
    async with opened(tmp_path, series) as parts:
        group = await made(parts, rule("Now", "a"), rule("Later", "b", for_="8s"))
        await evaluate_group(group, parts)
        began = parts.clock()
    async with opened(tmp_path, series) as parts:
        while (parts.clock() - began).total_seconds() < 8:
            await advance(parts, 1)
        await evaluate_group(group, parts)
        assert [rule.alerts[0].active_at for rule in (await standing(parts, group)).rules] == [began, began]
        assert await outbox(parts) == ["AlertFiring", "AlertFiring"], "one each"


async def test_what_is_not_known_is_not_over(tmp_path: Path) -> None:
    """While monitoring is down, or refuses, or talks nonsense, alerts stay as they are and the rule says why."""
    series = Series({"up": [({}, 1)]})
    faults: list[Fault] = [Busy("x", "no answer"), Broken("y", "no data"), Invalid("z", "query processing would load")]
    async with opened(tmp_path, series) as parts:
        group = await made(parts, rule("Up", "up"))
        await evaluate_group(group, parts)
        for fault in faults:
            await advance(parts, 5)
            series.answers["up"] = fault
            await evaluate_group(group, parts)
            held = (await standing(parts, group)).rules[0]
            assert (held.health, held.error, held.state) == (Health.ERR, fault.text, "firing")
        await advance(parts, 5)
        series.answers["up"] = [({}, 1)]
        await evaluate_group(group, parts)
        assert (await standing(parts, group)).rules[0].health is Health.OK
        assert await outbox(parts) == ["AlertFiring"]


async def test_nothing_is_over_right_after_a_gap(tmp_path: Path) -> None:
    """After longer than a series reaches, by a restart or an outage, what isn't there at first is not over: only when
    it is still missing once everything was scraped again.
    """
    series = Series({"up": [({"pod": "a"}, 1), ({"pod": "b"}, 1)]})
    async with opened(tmp_path, series) as parts:
        group = await made(parts, rule("Up", "up"))
        await evaluate_group(group, parts)
        await advance(parts, 3600)
        for answer in ([], Busy("x", "no answer"), [({"pod": "a"}, 1.0)]):
            series.answers["up"] = answer
            await evaluate_group(group, parts)
            await advance(parts, 25)
        assert await outbox(parts) == ["AlertFiring", "AlertFiring"]
        await evaluate_group(group, parts)
        assert await outbox(parts) == ["AlertFiring", "AlertFiring", "AlertResolved"]
        assert [alert.labels["pod"] for alert in (await standing(parts, group)).rules[0].alerts] == ["a"]


async def test_namespace_rule_reads_its_namespace_alone(tmp_path: Path) -> None:
    """Whatever a namespace's rule says, monitoring is asked to bind it; a global one to what its selector says, and not
    at all where it selects another cluster.
    """
    series = Series()
    async with opened(tmp_path, series) as parts:
        await evaluate_group(await made(parts, rule("Any", 'up{namespace="other"}')), parts)
        own = rule("Some", "up", namespaces={"inValues": ["a.b", "c"]}, clusters={"inValues": ["host"]})
        far = rule("Far", "far", clusters={"inValues": ["member"]})
        await evaluate_group(await made(parts, own, far, level=Level.GLOBAL), parts)
        await evaluate_group(await made(parts, rule("All", "all"), level=Level.CLUSTER), parts)
    assert series.asked == [
        ('up{namespace="other"}', (Matcher(name="namespace", op="=", value="shop"),)),
        ("up", (Matcher(name="namespace", op="=~", value="(a\\.b|c)"),)),
        ("all", ()),
    ]


async def test_group_that_changed_meanwhile_is_not_noted(tmp_path: Path) -> None:
    """What was found out about a group as it was is thrown away when it was changed, switched off or removed since."""
    series = Series({"up": [({}, 1)]})
    async with opened(tmp_path, series) as parts:
        group = await made(parts, rule("Up", "up"))
        off = GroupWish(group.name, group.namespace, {}, interval="5s", rules=group.rules)
        changed = await parts.store.transact(commands.change_group, group, off, by="admin", at=parts.clock())
        await evaluate_group(group, parts)
        await parts.store.transact(commands.remove_group, changed, by="admin", at=parts.clock())
        await evaluate_group(group, parts)
        assert await outbox(parts) == []
        assert await parts.store.of(Standing).count() == 0


async def test_switching_off_and_removing_end_alerts(tmp_path: Path) -> None:
    """Alerts of a rule that is switched off, of a group that is, and of one that is removed are told to be over."""
    series = Series({"a": [({}, 1)], "b": [({}, 1)], "c": [({}, 1)]})
    async with opened(tmp_path, series) as parts:
        group = await made(parts, rule("A", "a"), rule("B", "b"))
        other = await made(parts, rule("C", "c"), name="other")
        await evaluate_group(group, parts)
        await evaluate_group(other, parts)
        first, second = group.rules
        rules = (first.model_copy(update={"disable": True}), second)
        wish = GroupWish(group.name, group.namespace, group.labels, interval="5s", rules=rules)
        group = await parts.store.transact(commands.change_group, group, wish, by="admin", at=parts.clock())
        assert (await outbox(parts)).count("AlertResolved") == 1
        wish = GroupWish(group.name, group.namespace, {}, interval="5s", rules=rules)
        await parts.store.transact(commands.change_group, group, wish, by="admin", at=parts.clock())
        await parts.store.transact(commands.remove_group, other, by="admin", at=parts.clock())
        assert sorted(await outbox(parts)) == ["AlertFiring"] * 3 + ["AlertResolved"] * 3


async def test_too_many_series_are_an_error(tmp_path: Path) -> None:
    """An expression that gives more series than a rule may have alerts tells so, and changes nothing."""
    series = Series({"many": [({"n": str(n)}, 1.0) for n in range(4)]})
    async with opened(tmp_path, series, alerts_most=3) as parts:
        group = await made(parts, rule("Many", "many"))
        await evaluate_group(group, parts)
        held = (await standing(parts, group)).rules[0]
        assert (held.health, held.alerts) == (Health.ERR, ())
        assert "3 are accepted" in held.error


async def test_series_that_make_one_alert_are_an_error(tmp_path: Path) -> None:
    """Two series that differ only in what the rule's labels overrule can't be told apart."""
    series = Series({"two": [({"team": "a"}, 1), ({"team": "b"}, 2)]})
    async with opened(tmp_path, series) as parts:
        group = await made(parts, rule("Two", "two", labels={"team": "c"}))
        await evaluate_group(group, parts)
        assert "same labelset" in (await standing(parts, group)).rules[0].error


async def test_slow_group_holds_up_no_other(tmp_path: Path) -> None:
    """While one group's expression is being answered, another's is asked again and again; the slow one once."""
    series = Series({"up": [({}, 1)]}, slow=asyncio.Event())
    async with opened(tmp_path, series) as parts:
        await made(parts, rule("Slow", "slow"), name="slow")
        await made(parts, rule("Up", "up"), name="quick")
        async with evaluating(parts):
            for count in range(1, 4):

                async def asked(wanted: int = count) -> bool:
                    return [e for e, _ in series.asked].count("up") >= wanted

                await until(asked)
                await asyncio.sleep(0.02)
                await advance(parts, 5)
            assert [e for e, _ in series.asked].count("slow") == 1


async def test_history_is_bounded(tmp_path: Path) -> None:
    """What is over is forgotten by age and beyond a number, the oldest first; what fires never is."""
    series = Series({"up": [({"n": str(n)}, 1.0) for n in range(3)]})
    async with opened(tmp_path, series) as parts:
        group = await made(parts, rule("Up", "up"))
        await evaluate_group(group, parts)
        await advance(parts, 5)
        series.answers["up"] = [({"n": "0"}, 1.0)]
        await evaluate_group(group, parts)
        names = await old_episodes(parts.store, parts.clock() - timedelta(days=1), 1)
        assert len(names) == 1
        await parts.store.transact(evaluations.sweep_episodes, names)
        assert await old_episodes(parts.store, parts.clock() - timedelta(days=1), 1) == []
        assert len(await old_episodes(parts.store, parts.clock() + timedelta(days=1), 100)) == 1
        assert [one.open for one in await parts.store.of(Episode).find(Find(sort="order"))].count(True) == 1
