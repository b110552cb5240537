"""Writes: bounded bodies, replies held until the index has seen them, and what happens when it cannot be believed."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest

from libs.shared.contracts import accounts_v1 as accounts
from libs.shared.testing.clock import eventually
from services.gateway.tests.conftest import Stage
from services.gateway.tests.seeds import bound
from services.gateway.tests.standin import BIG, IAM

MEMBERS = IAM + "/workspaces/a/workspacemembers"


async def test_the_next_request_is_decided_by_the_last_write(stage: Stage) -> None:
    """A member who was just invited may list at once, and one who was just removed may not: every time."""
    for _ in range(10):
        event = bound("out", "a-viewer", "a").model_dump_json()
        assert (await stage.ask("adm", "POST", MEMBERS + "?event=WorkspaceRoleBound", data=event))[0] == 200
        assert (await stage.ask("out", "GET", MEMBERS))[0] == 200
        event = accounts.WorkspaceRoleUnbound(binding="out-a-viewer", workspace="a", role="a-viewer").model_dump_json()
        assert (await stage.ask("adm", "POST", MEMBERS + "?event=WorkspaceRoleUnbound", data=event))[0] == 200
        assert (await stage.ask("out", "GET", MEMBERS))[0] == 403


async def test_what_the_index_does_not_follow_is_not_waited_for(stage: Stage) -> None:
    """A reply whose events mean nothing here is passed on at once, without the private header."""
    event = accounts.LoginRecorded(user="out").model_dump_json()
    url = MEMBERS + "?event=LoginRecorded"
    async with stage.client.post(url, headers=stage.headers("adm"), data=event) as answer:
        assert answer.status == 200
        assert "Orrery-Told" not in answer.headers
    assert not stage.parts.memory.told._waiting


async def test_an_event_that_does_not_come_is_not_waited_for_longer_than_set(stage: Stage) -> None:
    """The wait ends after its time, and leaves nothing behind."""
    assert await stage.parts.memory.told.wait(["never"], 0.01) is False
    assert not stage.parts.memory.told._waiting
    stage.parts.memory.told.note("e1")
    assert await stage.parts.memory.told.wait(["e1"], 0) is True


async def _pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 65536


@pytest.mark.parametrize("size", [0, 10, 64 << 10, (64 << 10) + 1, BIG])
async def test_bodies_pass_as_they_are(stage: Stage, size: int) -> None:
    """Small and large bodies reach the service whole."""
    code, body = await stage.ask("admin", "POST", IAM + "/users", data=io.BytesIO(b"x" * size))
    assert (code, body["size"]) == (200, size)


async def test_chunked_bodies_pass_as_they_come(stage: Stage) -> None:
    """A body of unknown length is streamed."""
    code, body = await stage.ask("admin", "POST", IAM + "/users", data=_pieces(8))
    assert (code, body["size"]) == (200, 8 * 65536)


async def test_bodies_are_bounded(stage: Stage) -> None:
    """Too long by its own word, or only as it comes: 413 either way, and the gateway goes on."""
    assert (await stage.ask("admin", "POST", IAM + "/users", data=io.BytesIO(b"x" * (BIG + 1))))[0] == 413
    assert (await stage.ask("admin", "POST", IAM + "/users", data=_pieces(BIG // 65536 + 2)))[0] == 413
    assert (await stage.ask("admin", "GET", IAM + "/users"))[0] == 200


async def test_a_stale_index_closes_what_rests_on_it(stage: Stage) -> None:
    """Decisions are 503 with Retry-After while accounts is silent; sign-in, health and switches go on."""
    stage.parts.memory.sources.begin("accounts", stage.parts.clock.monotonic())
    for user, method, path in (
        ("admin", "GET", IAM + "/users"),
        ("", "GET", IAM + "/users"),
        ("admin", "GET", "/oauth/userinfo"),
        ("admin", "GET", "/kapis/events.orrery.io/v1/events"),
    ):
        async with stage.client.request(method, path, headers=stage.headers(user)) as answer:
            body = await answer.json()
            assert (answer.status, answer.headers["Retry-After"], body["reason"]) == (503, "1", "ServiceUnavailable")
    for user, method, path in (
        ("", "POST", "/oauth/token"),
        ("admin", "POST", "/oauth/token"),
        ("", "GET", "/healthz"),
        ("admin", "GET", "/kapis/version"),
        ("", "GET", "/kapis/config.kubesphere.io/v1alpha2/configs/configz"),
    ):
        assert (await stage.ask(user, method, path))[0] == 200


async def test_a_new_snapshot_heals_what_was_missed(stage: Stage) -> None:
    """After the tail was opened anew, what the snapshot lacks is gone, what it has counts, and decisions go on."""
    stage.accounts.broken = True
    stage.accounts.snapshot = [e for e in stage.accounts.snapshot if getattr(e, "user", "") != "out"]
    stage.accounts.snapshot.append(bound("reg", "a-viewer", "a"))
    assert (await stage.ask("out", "GET", IAM + "/users/out"))[0] == 200
    stage.parts.memory.begin(stage.parts.clock.monotonic())
    assert (await stage.ask("admin", "GET", IAM + "/users"))[0] == 503
    stage.accounts.broken = False
    await eventually(lambda: stage.parts.memory.sources.fresh("accounts", stage.parts.clock.monotonic()))
    assert (await stage.ask("out", "GET", IAM + "/users/out"))[0] == 401
    assert (await stage.ask("reg", "GET", MEMBERS))[1]["answers"]["roles"] is True


async def test_an_event_during_a_load_counts_on_top_of_it(stage: Stage) -> None:
    """What happens between the snapshot's reading and its adoption is not lost."""
    memory = stage.parts.memory
    stage.accounts.broken = True
    memory.begin(stage.parts.clock.monotonic())
    await stage.accounts.tell(accounts.UserDisabled(user="out"))
    await eventually(lambda: not memory.index.users["out"].active)
    stage.accounts.broken = False
    await eventually(lambda: memory.sources.fresh("accounts", stage.parts.clock.monotonic()))
    assert (await stage.ask("out", "GET", IAM + "/users/out"))[0] == 401
