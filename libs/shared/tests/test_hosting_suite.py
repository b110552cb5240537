"""Services in one process: opened together, heard by each other, let in by two doors, closed to the last thread."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import aiohttp
import pytest
from aiohttp import web

from libs.shared.config import Settings
from libs.shared.errors import Broken, Busy, Invalid
from libs.shared.event import Envelope, Event
from libs.shared.failpoints import Failpoints
from libs.shared.hosting.loops import source_of
from libs.shared.hosting.opening import KIT
from libs.shared.http.identity import GATEWAY, HEADER, Identity, Signed, caller
from libs.shared.http.route import Access, Route
from libs.shared.service import Follow, Host, On, Service, Worker
from libs.shared.store.protocol import Document, Unit
from libs.shared.store.sqlite import open_store
from libs.shared.testing.clock import VirtualClock
from libs.shared.testing.host import Running, running
from libs.shared.values import TimeOrderedIds


class Rang(Event):
    SERVICE: ClassVar[str] = "bell"
    name: str = ""


class Ring(Document):
    name: str


class NoSettings(Settings):
    """None of its own."""


@dataclass
class Parts:
    host: Host
    heard: list[str] = field(default_factory=list)
    wakes: list[str] = field(default_factory=list)
    snapshots: int = 0
    fit: bool = True


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    yield Parts(host)


async def ring(unit: Unit, name: str) -> None:
    await unit.of(Ring).put(Ring(name=name))
    unit.emit(Rang(name=name), subject=f"rings/{name}")


async def post_ring(request: web.Request, parts: Parts) -> web.Response:
    """Ring once."""
    await parts.host.store.transact(ring, request.match_info["name"])
    return web.json_response({"by": caller(request).user})


async def keep_echo(unit: Unit, event: Rang) -> None:
    await unit.of(Ring).put(Ring(name=f"echo of {event.name}"))


async def hear(event: Rang, _envelope: Envelope, parts: Parts) -> None:
    parts.heard.append(event.name)


async def snapshot(parts: Parts) -> None:
    parts.snapshots += 1


async def wake(parts: Parts) -> None:
    parts.wakes.append("woke")
    await asyncio.Event().wait()


async def fit(parts: Parts) -> None:
    if not parts.fit:
        raise Busy("unfit", "not fit")


def door_of(parts: Parts) -> web.Application:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.scheme} {parts.snapshots}")

    app = web.Application()
    app.router.add_get("/", answer)
    return app


BELL = Service(
    name="bell",
    about="Rings.",
    settings=NoSettings,
    open=opened,
    documents=(Ring,),
    publishes=(Rang,),
    routes=(Route("POST", "/rings/{name}", post_ring, access=Access.INTERNAL),),
    workers=(Worker("wake", wake),),
)
ECHO = Service(
    name="echo", about="Answers.", settings=NoSettings, open=opened, documents=(Ring,), reactions=(On(Rang, keep_echo),)
)
FRONT = Service(
    name="front",
    about="Listens and lets in.",
    settings=NoSettings,
    open=opened,
    follows=(Follow(Rang, hear),),
    on_tail=snapshot,
    ready=fit,
    public=door_of,
)


async def rung(suite: Running, name: str) -> None:
    """Ring by HTTP, as the gateway does."""
    host = suite.services["front"].host
    assert host.signer is not None
    identity = Identity(user=GATEWAY, groups=(), issued=host.clock())
    header = host.signer.sign(Signed("bell", "POST", f"/rings/{name}"), identity)
    async with suite.upstreams.request("bell", "POST", f"/rings/{name}", headers={HEADER: header}) as answer:
        assert (answer.status, await answer.json()) == (200, {"by": GATEWAY})


async def test_from_a_request_to_reaction_and_follower() -> None:
    """A command in one service is an effect in another and a memory in a third, with only the bus between them."""
    async with running(BELL, ECHO, FRONT) as suite:
        await rung(suite, "one")
        front, echo = suite.services["front"].parts, suite.services["echo"].host.store
        async with asyncio.timeout(10):
            while front.heard != ["one"] or await echo.of(Ring).look("echo of one") is None:  # noqa: ASYNC110  # threads
                await asyncio.sleep(0.005)
        assert suite.services["bell"].parts.wakes == ["woke"]


async def test_only_the_one_that_faces_clients_can_sign() -> None:
    """The private key is the gateway's alone; the password of `admin` is handed to its keeper alone."""
    async with running(BELL, FRONT, admin_password="s3cret") as suite:
        assert suite.services["bell"].host.signer is None
        assert suite.services["front"].host.signer is not None
        assert suite.services["bell"].host.admin_password is None


async def test_doors_open_when_all_is_ready() -> None:
    """The first answer comes after the followers' snapshot."""
    async with running(BELL, FRONT) as suite, aiohttp.request("GET", suite.gateway) as answer:
        assert await answer.text() == "http 1"


async def test_the_tls_door_is_ours_by_our_own_authority() -> None:
    """A client that trusts the CA in the data folder gets in; one that doesn't is stopped by its own check."""
    async with running(FRONT, tls_listen="127.0.0.1:0") as suite, aiohttp.ClientSession() as session:
        trusting = ssl.create_default_context(cafile=suite.authority)
        async with session.get(suite.tls, ssl=trusting) as answer:
            assert await answer.text() == "https 1"
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(suite.tls)


async def test_readyz_names_what_is_waited_for() -> None:
    """A service's own check stands beside store and bus."""
    async with running(FRONT) as suite:
        suite.services["front"].parts.fit = False
        async with suite.upstreams.request("front", "GET", "/readyz") as answer:
            told = await answer.json()
        assert answer.status == 503
        assert {name: state["ready"] for name, state in told["dependencies"].items()} == {
            "store": True,
            "events": True,
            "followers": True,
            "front": False,
        }


async def test_the_end_leaves_no_task_and_no_thread(tmp_path: Path) -> None:
    """What was begun is gone when the block ends; the data folder holds data alone."""
    before = {thread.name for thread in threading.enumerate()}
    async with running(BELL, ECHO, FRONT, data=tmp_path):
        pass
    await asyncio.get_running_loop().shutdown_default_executor()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert {thread.name for thread in threading.enumerate()} == before
    assert not (tmp_path / "run").exists()


async def test_one_that_fails_closes_the_others(tmp_path: Path) -> None:
    """Its own error is raised, and everything can be opened again."""

    @asynccontextmanager
    async def broken(_host: Host) -> AsyncIterator[Parts]:
        raise Broken("no-luck", "no luck")
        yield

    bad = Service(name="bad", about="Never stands.", settings=NoSettings, open=broken)
    with pytest.raises(Broken, match="no luck"):
        async with running(BELL, bad, data=tmp_path):
            pass
    async with running(BELL, data=tmp_path) as suite:
        assert suite.services["bell"].parts.wakes in ([], ["woke"])


async def test_what_was_committed_is_told_by_the_next_run(tmp_path: Path) -> None:
    """Stores, bus and keys are found again: an event of the first run reaches a service that begins in the second."""
    async with running(BELL, FRONT, data=tmp_path) as suite:
        await rung(suite, "one")
    async with running(BELL, ECHO, data=tmp_path) as suite, asyncio.timeout(10):
        while await suite.services["echo"].host.store.of(Ring).look("echo of one") is None:  # noqa: ASYNC110  # threads
            await asyncio.sleep(0.005)


async def test_old_notes_and_ids_are_forgotten(tmp_path: Path) -> None:
    """Of every service, also of one that reacts to nothing: what is older than anything that could ask is swept."""
    old = await open_store(
        tmp_path / "bell.db",
        (Ring, *KIT),
        clock=VirtualClock(),
        ids=TimeOrderedIds(),
        source=source_of("bell"),
        failpoints=Failpoints(),
    )
    await old.transact_once("long-ago", ring, "one")
    await old.close()
    async with running(BELL, data=tmp_path) as suite, asyncio.timeout(10):
        while await suite.services["bell"].host.store.outcome("long-ago"):  # noqa: ASYNC110  # threads
            await asyncio.sleep(0.005)


async def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    """Both settings, in one sentence; nothing stays open."""
    (tmp_path / "c.pem").write_text("no certificate")
    wrong = tmp_path / "c.pem"
    with pytest.raises(Invalid, match="ORRERY_TLS_CERT"):
        async with running(FRONT, tls_cert=wrong, tls_key=wrong, tls_listen="127.0.0.1:0"):
            pass
