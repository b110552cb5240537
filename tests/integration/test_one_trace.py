"""One trace from the client's request to the mail server, as a real OTLP receiver sees it."""

from __future__ import annotations

import asyncio
import gzip
import pathlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.faults.process import Mailbox, Suite
from tests.faults.traffic import Clients, History, user

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENT = "send letter"


class Receiver:
    """Takes OTLP over HTTP in protobuf, and keeps (trace id, service, span name)."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, str, str]] = []

    async def take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        for resource in ExportTraceServiceRequest.FromString(raw).resource_spans:
            service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
            service = service.removeprefix("orrery-")
            found = [span for scope in resource.scope_spans for span in scope.spans]
            self.spans += [(span.trace_id.hex(), service, span.name) for span in found]
        return web.Response()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/v1/traces", self.take)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def test_one_trace_id_from_request_to_smtp(tmp_path: pathlib.Path) -> None:
    """The client's trace id is that of the spans in gateway, accounts (command) and notification (reaction, SMTP)."""
    mailbox, receiver = Mailbox(), Receiver()
    data = tmp_path / "data"
    data.mkdir()
    mailbox.controller.start()
    try:
        async with receiver.listening() as otlp, aiohttp.ClientSession() as session:
            suite = Suite(data, mailbox.address, settings={"ORRERY_OTLP": otlp})
            await suite.start()
            try:
                command = user("bob")
                token = await Clients(suite, History()).sign_in(session)
                headers = {"Authorization": f"Bearer {token}", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
                async with session.post(suite.base + command.path, json=command.body, headers=headers) as answer:
                    assert answer.status == 200, await answer.text()
                mine = await seen(receiver, {"gateway", "accounts", "notification"})
            finally:
                assert await suite.stop() == 0
    finally:
        mailbox.controller.stop()
    assert ("notification", SENT) in {(service, name) for _, service, name in mine}, mine
    assert [k for k in mailbox.letters if k[0] == "bob@example.com"]


async def seen(receiver: Receiver, services: set[str]) -> list[tuple[str, str, str]]:
    """The trace's spans, once each of these services has one and mail was among them."""
    mine: list[tuple[str, str, str]] = []
    for _ in range(300):
        mine = [span for span in receiver.spans if span[0] == TRACE]
        if services <= {service for _, service, _ in mine} and any(name == SENT for _, _, name in mine):
            return mine
        await asyncio.sleep(0.05)
    raise AssertionError(f"not all of {services} in {mine}")
