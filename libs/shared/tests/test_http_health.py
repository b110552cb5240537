"""The probes: without identity, quick, and saying what is amiss since when."""

from __future__ import annotations

import asyncio
import json

from prometheus_client import CollectorRegistry

from libs.shared.errors import Busy
from libs.shared.http.health import Health
from libs.shared.testing.clock import VirtualClock
from libs.shared.tests.http_stage import stage


class Dependency:
    """Answers, or says why not."""

    down = ""

    async def check(self) -> None:
        if self.down:
            raise Busy("store-down", self.down)


async def test_probes_need_no_identity() -> None:
    """Health, readiness and metrics answer whoever asks, HEAD included; nothing else does."""
    async with stage(()) as at:
        for path, begins in (("/healthz", "ok"), ("/readyz", '{"ready":true'), ("/metrics", "# HELP")):
            async with at.session.get(path) as answer:
                assert (answer.status, (await answer.text()).startswith(begins)) == (200, True)
            async with at.session.head(path) as answer:
                assert answer.status == 200
        async with at.session.get("/openapi/v1") as answer:
            assert answer.status == 401


async def test_readiness_says_what_is_amiss_and_since_when() -> None:
    """The first failure's time stays while it lasts, and is forgotten when it ends."""
    store, bus = Dependency(), Dependency()
    async with stage((), checks={"store": store.check, "bus": bus.check}) as at:

        async def ready() -> tuple[int, dict[str, dict[str, object]]]:
            async with at.session.get("/readyz") as answer:
                return answer.status, json.loads(await answer.text())["dependencies"]

        assert await ready() == (200, {"store": {"ready": True}, "bus": {"ready": True}})
        store.down = "the disk is full"
        first = at.clock().isoformat(timespec="seconds").replace("+00:00", "Z")
        wanted = {"ready": False, "slug": "store-down", "reason": "the disk is full", "since": first}
        assert await ready() == (503, {"store": wanted, "bus": {"ready": True}})
        await at.clock.advance(60)
        assert (await ready())[1]["store"] == wanted
        store.down = ""
        assert (await ready())[0] == 200
        store.down = "again"
        assert (await ready())[1]["store"]["since"] != first
        async with at.session.get("/healthz") as answer:
            assert answer.status == 200


async def test_a_dependency_that_hangs_is_not_ready() -> None:
    """A probe answers in time, whatever it asks; dependencies are asked at once, not one after another."""

    async def hang() -> None:
        await asyncio.sleep(5)

    health = Health({"a": hang, "b": hang}, CollectorRegistry(), VirtualClock(), patience=0.02)
    async with asyncio.timeout(1):
        answer = await health.readyz(None)  # type: ignore[arg-type]  # the request says nothing
    assert answer.status == 503
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body)["dependencies"]["a"]["slug"] == "no-answer"


async def test_metrics_are_the_registrys() -> None:
    """In Prometheus' text format, with what the service counts."""
    async with stage(()) as at:
        await at.ask("GET", "/nothing")
        async with at.session.get("/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
            said = await answer.text()
    assert 'orrery_http_requests_total{method="GET",route="(none)",status="404"} 1.0' in said
