"""What must hold afterwards: checked over the whole event log, the letters and the mail server, not by samples."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.faults.process import PATIENCE, Mailbox, Suite
from tests.faults.traffic import ACKNOWLEDGED, UNKNOWN, Clients, Command, History

EVENTS = "/kapis/events.orrery.io/v1/events"
LETTERS = "/kapis/notification.orrery.io/v1/letters"
PARKED = "/kapis/orrery.io/v1/parked"


@dataclass
class Verdict:
    """Figures of a run; everything but `mailed_twice` has to be zero or equal."""

    acknowledged: int = 0
    unknown: int = 0
    unknown_done: int = 0
    events: int = 0
    lost_commands: list[str] = field(default_factory=list)
    doubled_events: list[str] = field(default_factory=list)
    broken_order: list[str] = field(default_factory=list)
    missing_letters: list[str] = field(default_factory=list)
    doubled_letters: list[str] = field(default_factory=list)
    mailed_twice: int = 0
    other_message_id: list[str] = field(default_factory=list)
    parked: int = 0

    @property
    def faults(self) -> dict[str, Any]:
        """What went wrong."""
        found = {k: v for k, v in vars(self).items() if isinstance(v, list) and v}
        return found | ({"parked": self.parked} if self.parked else {})


async def pages(session: aiohttp.ClientSession, url: str) -> list[dict[str, Any]]:
    """The whole event log."""
    items: list[dict[str, Any]] = []
    after = 0
    while True:
        async with session.get(url, params={"after": str(after), "limit": "1000"}) as answer:
            assert answer.status == 200, await answer.text()
            page = await answer.json()
        items += page["items"]
        if not page["items"]:
            return items
        after = page["next"]


async def letters(session: aiohttp.ClientSession, url: str) -> list[dict[str, Any]]:
    """Every letter."""
    items: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next": None}
    while "next" in page:
        params = {"limit": "1000"} | ({"after": str(page["next"])} if page["next"] else {})
        async with session.get(url, params=params) as answer:
            assert answer.status == 200, await answer.text()
            page = await answer.json()
        items += page["items"]
    return items


def tells(command: Command, event: dict[str, Any]) -> bool:
    """Whether this event is the command's."""
    named = str(event["type"]).rpartition(".")[2] == command.event and event["subject"] == command.subject
    return named and command.detail in (event["data"].get("user", ""), "")


def check_log(history: History, log: list[dict[str, Any]], verdict: Verdict) -> list[Command]:
    """Each acknowledged command stands in the log once, each unknown one at most once; returns what was done."""
    by_subject: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in log:
        by_subject[event["subject"]].append(event)
    done = []
    for command, end in history.ended:
        found = sum(tells(command, event) for event in by_subject[command.subject])
        label = f"{command.event} {command.subject} {command.detail}"
        if end == ACKNOWLEDGED and not found:
            verdict.lost_commands.append(label)
        if found > 1:
            verdict.doubled_events.append(label)
        verdict.unknown_done += end == UNKNOWN and found == 1
        if found:
            done.append(command)
    check_order(log, by_subject, verdict)
    return done


def check_order(log: list[dict[str, Any]], by_subject: dict[str, list[dict[str, Any]]], verdict: Verdict) -> None:
    """No id twice, positions without a gap, and each subject's events in their sequence."""
    ids = Counter(event["id"] for event in log)
    verdict.doubled_events += [f"id {i}" for i, n in ids.items() if n > 1]
    if [event["position"] for event in log] != list(range(1, len(log) + 1)):
        verdict.broken_order.append("positions have gaps")
    for subject, events in by_subject.items():
        if [int(event["sequence"]) for event in events] != list(range(1, len(events) + 1)):
            verdict.broken_order.append(f"{subject} {[event['sequence'] for event in events]}")


def check_letters(done: list[Command], kept: list[dict[str, Any]], mailbox: Mailbox, verdict: Verdict) -> None:
    """Each done command's letter exists once, and has arrived under one Message-ID."""
    for command in done:
        if command.letter is None:
            continue
        recipient, word = command.letter
        mine = [item for item in kept if item["to"] == recipient and word.lower() in item["subject"].lower()]
        arrived = [(k, v) for k, v in mailbox.letters.items() if k[0] == recipient and word.lower() in k[1].lower()]
        if not mine or not arrived:
            verdict.missing_letters.append(f"{recipient} {word}: kept {len(mine)}, arrived {len(arrived)}")
        if len(mine) > 1:
            verdict.doubled_letters.append(f"{recipient} {word}")
        for _, counted in arrived:
            if len(counted) > 1:
                verdict.other_message_id.append(f"{recipient} {word}: {list(counted)}")
            verdict.mailed_twice += sum(counted.values()) - 1


async def judge(suite: Suite, mailbox: Mailbox, history: History) -> Verdict:
    """Wait until all has followed, then check everything; raises when the log does not come to rest."""
    verdict = Verdict(acknowledged=history.count(ACKNOWLEDGED), unknown=history.count(UNKNOWN))
    async with aiohttp.ClientSession() as session:
        session.headers["Authorization"] = f"Bearer {await Clients(suite, history).sign_in(session)}"
        await at_rest(session, suite)
        log = await pages(session, suite.base + EVENTS)
        kept = await letters(session, suite.base + LETTERS)
        async with session.get(suite.base + PARKED) as answer:
            assert answer.status == 200, await answer.text()
            verdict.parked = len((await answer.json())["items"])
    verdict.events = len(log)
    check_letters(check_log(history, log, verdict), kept, mailbox, verdict)
    return verdict


async def at_rest(session: aiohttp.ClientSession, suite: Suite) -> None:
    """Return when no letter waits and the log has not grown for a second."""
    loop = asyncio.get_running_loop()
    end, before = loop.time() + 3 * PATIENCE, -1
    while loop.time() < end:
        kept = await letters(session, suite.base + LETTERS)
        size = len(await pages(session, suite.base + EVENTS))
        if size == before and all(item["state"] in ("sent", "undeliverable") for item in kept):
            return
        before = size
        await asyncio.sleep(1)
    raise AssertionError(f"not at rest after {3 * PATIENCE:.0f} s: {[i for i in kept if i['state'] != 'sent'][:3]}")
