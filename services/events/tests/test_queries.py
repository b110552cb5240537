"""Reading the log: role by role, filter by filter, by index and within a bound."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.shared.bus.protocol import Message
from libs.shared.contracts.accounts_v1 import UserCreated, WorkspaceCreated, WorkspaceMemberInvited
from libs.shared.testing.clock import START
from services.events.commands import log as commands
from services.events.domain.sight import Viewer
from services.events.domain.wanted import Wanted
from services.events.parts import Parts
from services.events.queries import log as queries
from services.events.tests.stage import envelope, opened

ADMIN = Viewer("admin", frozenset(), "", START, everything=True, workspaces=frozenset())
SPACES = [f"ws{n}" for n in range(1, 13)]


def member(*workspaces: str) -> Viewer:
    return Viewer("bob", frozenset(), "", START, everything=False, workspaces=frozenset(workspaces))


async def fill(parts: Parts, number: int) -> None:
    """A log where workspaces, subjects and types alternate."""
    envelopes = []
    for n in range(number):
        space = SPACES[n % len(SPACES)]
        match n % 3:
            case 0:
                envelopes.append(envelope(UserCreated(user=f"u{n}"), f"users/u{n % 5}"))
            case 1:
                envelopes.append(envelope(WorkspaceCreated(workspace=space), f"workspaces/{space}", space))
            case _:
                event = WorkspaceMemberInvited(workspace=space, user="bob")
                envelopes.append(envelope(event, f"workspaces/{space}", space))
    messages = [Message(str(n), one, one.time) for n, one in enumerate(envelopes)]
    for start in range(0, number, 400):
        await parts.store.transact(commands.append_entries, messages[start : start + 400], bus="x")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parts(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parts]:
    async with opened(tmp_path_factory.mktemp("log")) as made:
        await fill(made, 300)
        yield made


async def everything(parts: Parts, wanted: Wanted, viewer: Viewer) -> list[int]:
    """All positions, page by page, until nothing is new."""
    found: list[int] = []
    while True:
        page = await queries.read_entries(parts.store, wanted, viewer)
        assert len(page.entries) <= wanted.limit
        found += [entry.position for entry in page.entries]
        if page.next == wanted.after:
            return found
        wanted = replace(wanted, after=page.next)


FILTERS = st.builds(
    Wanted,
    limit=st.sampled_from([1, 3, 7, 1000]),
    subjects=st.sampled_from([(), ("users/u0",), ("workspaces/ws2", "users/u1"), ("none",)]),
    type=st.sampled_from(["", "UserCreated", "orrery.accounts.v1.WorkspaceCreated", "orrery.other.v1.UserCreated"]),
    workspace=st.sampled_from(["", "ws2", "ws3"]),
)
VIEWERS = st.sampled_from([ADMIN, member(), member("ws2"), member("ws2", "ws3", "gone"), member(*SPACES)])


@pytest.mark.asyncio(loop_scope="module")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=FILTERS, viewer=VIEWERS)
async def test_pages_are_exactly_what_one_sees_and_wants(parts: Parts, wanted: Wanted, viewer: Viewer) -> None:
    """Whatever the filters, the page size and the role: every entry that fits and may be seen, once, in order."""
    log = await queries.next_entries(parts.store, 0, 1000)
    expected = [entry.position for entry in log if wanted.fits(entry) and viewer.sees(entry)]
    assert await everything(parts, wanted, viewer) == expected


@pytest.mark.asyncio(loop_scope="module")
async def test_nothing_new_stays_where_it_is(parts: Parts) -> None:
    """`next` is `after` at the end of the log, beyond it, and for whoever sees nothing."""
    for wanted, viewer in [
        (Wanted(after=300), ADMIN),
        (Wanted(after=10**12), ADMIN),
        (Wanted(after=5), member()),
        (Wanted(after=5, workspace="ws2"), member("ws1")),
        (Wanted(after=300), member(*SPACES)),
    ]:
        page = await queries.read_entries(parts.store, wanted, viewer)
        assert (list(page.entries), page.next) == ([], wanted.after)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_bound_on_what_one_request_reads(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no index answers the whole question, a request looks at a span of positions and says where to go on."""
    monkeypatch.setattr(queries, "SPAN", 50)
    rare = Wanted(type="UserCreated", subjects=("users/u4",), limit=1000)
    page = await queries.read_entries(parts.store, rare, ADMIN)
    assert page.next == 50
    assert all(entry.position <= 50 for entry in page.entries)
    many = await queries.read_entries(parts.store, Wanted(limit=1000), member(*SPACES))
    assert many.next == 50


@pytest.mark.asyncio(loop_scope="module")
async def test_no_question_reads_the_whole_log(parts: Parts) -> None:
    """Each is answered by an index: the store has noted none that was not."""
    for viewer in (ADMIN, member("ws1"), member(*SPACES)):
        for wanted in (Wanted(), Wanted(subjects=("users/u1",)), Wanted(type="UserCreated"), Wanted(workspace="ws1")):
            await queries.read_entries(parts.store, wanted, viewer)
    await queries.rights_since(parts.store, START, 300)
    await queries.rights_between(parts.store, 0, 300)
    assert parts.store.unindexed == frozenset()  # type: ignore[attr-defined]  # SQLite's own


async def test_an_empty_log(tmp_path: Path) -> None:
    """Before anything has happened, nothing is found, and `next` is the beginning."""
    async with opened(tmp_path) as made:
        page = await queries.read_entries(made.store, Wanted(), ADMIN)
        assert (list(page.entries), page.next, page.through) == ([], 0, 0)
