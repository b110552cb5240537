"""Traces through the gateway: the suite's own from the first request, others' by OTLP, and who may look."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from tests.integration.test_logging_main_road import PASSWORD, USER, People
from tests.suite import running

JAEGER = "/kapis/mesh.orrery.io/v1/jaeger/api"
TAKE = "/kapis/mesh.orrery.io/v1/otlp/v1/traces"
OF_SHOP = "/kapis/servicemesh.kubesphere.io/v1alpha2/namespaces/shop/services/web/traces"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def told(service: str, namespace: str, own: str, parent: str = "") -> dict[str, Any]:
    about = [
        {"key": "service.name", "value": {"stringValue": service}},
        {"key": "k8s.namespace.name", "value": {"stringValue": namespace}},
    ]
    span = {"traceId": TRACE, "spanId": own, "parentSpanId": parent, "name": "GET /", "startTimeUnixNano": "1000"}
    return {"resource": {"attributes": about}, "scopeSpans": [{"spans": [span]}]}


async def test_traces_are_taken_found_and_kept_apart() -> None:
    """A trace over two namespaces is whole for an administrator, and ends at a namespace's border for its own route,
    whatever the query adds; a plain user is refused all of it; the suite's own requests are traces, too.
    """
    body = {"resourceSpans": [told("web", "shop", "1" * 16), told("db", "back", "2" * 16, "1" * 16)]}
    suite = running("gateway", "accounts", "cluster", "mesh", admin_password=PASSWORD)
    async with suite as stands, aiohttp.ClientSession(stands.gateway) as session:
        people = People(session)
        await people.sign_in("admin")
        assert (await people.ask("admin", "POST", "/kapis/iam.kubesphere.io/v1alpha2/users", json=USER))[0] == 200
        await people.sign_in("walter")
        for who, status in (("admin", 200), ("walter", 403), ("nobody", 403)):
            assert (await people.ask(who, "POST", TAKE, json=body))[0] == status
            for path in ("/services", "/services/gateway/operations", "/traces?service=gateway", f"/traces/{TRACE}"):
                assert (await people.ask(who, "GET", JAEGER + path))[0] == status, path
            assert (await people.ask(who, "GET", OF_SHOP))[0] == status
        _, whole = await people.ask("admin", "GET", f"{JAEGER}/traces/{TRACE}")
        assert {one["spanID"] for one in whole["data"][0]["spans"]} == {"1" * 16, "2" * 16}
        _, part = await people.ask("admin", "GET", f"{OF_SHOP}?service=db.back&limit=5")
        assert [one["spanID"] for one in part["data"][0]["spans"]] == ["1" * 16]
        assert part["data"][0]["processes"]["p1"]["serviceName"] == "web.shop"
        assert (await people.ask("admin", "GET", f"{JAEGER}/traces/{'f' * 32}"))[0] == 404
        async with asyncio.timeout(30):
            while True:
                _, found = await people.ask("admin", "GET", f"{JAEGER}/traces?service=accounts&limit=200")
                if any({"gateway", "accounts"} <= names(trace) for trace in found["data"]):
                    break
                await asyncio.sleep(0.1)


def names(trace: dict[str, Any]) -> set[str]:
    return {process["serviceName"] for process in trace["processes"].values()}
