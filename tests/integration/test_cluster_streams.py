"""What lasts, through the gateway to a real API server and back: watches, logs, clients; ended when rights do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from libs.shared.bus.protocol import Message
from libs.shared.contracts.gateway_v1 import AuditRecorded
from libs.shared.testing.clock import eventually
from tests.integration.forwarded import IAM, RBAC, Town, town

pytestmark = pytest.mark.asyncio(loop_scope="module")
P1 = "/api/v1/namespaces/p1"
MEMBERS = IAM + "/namespaces/p1/members"
SOON = 1.0
"""Seconds within which a revocation takes effect."""
LATE = 3.0
"""Seconds in which all services close: less than a stream that is waited for would take."""
WATCHES = (f"{P1}/configmaps?watch=true", "/api/v1/watch/namespaces/p1/configmaps")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Town]:
    """One suite for all, with a workload whose pods run in p1."""
    async with town() as made:
        await made.done("owner", "POST", "/apis/apps/v1/namespaces/p1/deployments", json=workload())
        yield made


def workload() -> dict[str, Any]:
    """A deployment of one pod."""
    labels = {"app": "web"}
    spec = {"containers": [{"name": "web", "image": "nginx:1.27"}]}
    return {
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


@asynccontextmanager
async def opened(place: Town, who: str, path: str) -> AsyncIterator[aiohttp.ClientResponse]:
    """An answer that lasts."""
    async with place.client.get(path, headers=place.headers(who)) as answer:
        assert answer.status == 200, await answer.text()
        yield answer


async def line(answer: aiohttp.ClientResponse) -> bytes:
    """The next one, which must come soon."""
    return await asyncio.wait_for(answer.content.readline(), 5)


async def ended(answer: aiohttp.ClientResponse) -> float:
    """Seconds until it ended, in order: a client is told by an error what broke off."""
    began = time.monotonic()
    await asyncio.wait_for(answer.content.read(), 5)
    return time.monotonic() - began


async def membership(place: Town, method: str, who: str) -> None:
    """Make somebody a viewer of p1, or a member no more."""
    path, body = (MEMBERS, [{"username": who, "roleRef": "viewer"}]) if method == "POST" else (f"{MEMBERS}/{who}", None)
    await place.done("chief", method, path, json=body)


@pytest.mark.parametrize("path", WATCHES)
async def test_a_watch_tells_at_once_and_ends_with_the_right_to_it(place: Town, path: str) -> None:
    """Each change comes as it happens. When the member is removed his watch ends, and nobody else's."""
    await membership(place, "POST", "clerk")
    await place.eventually("clerk", P1 + "/configmaps", 200)
    async with opened(place, "clerk", path) as his, opened(place, "owner", path) as others:
        name = (await place.done("owner", "POST", P1 + "/configmaps", json=thing()))["metadata"]["name"]
        for answer in (his, others):
            told = orjson.loads(await line(answer))
            while told["object"]["metadata"]["name"] != name:
                told = orjson.loads(await line(answer))
            assert told["type"] == "ADDED"
        await membership(place, "DELETE", "clerk")
        assert await ended(his) < SOON
        name = (await place.done("owner", "POST", P1 + "/configmaps", json=thing()))["metadata"]["name"]
        assert orjson.loads(await line(others))["object"]["metadata"]["name"] == name


def thing() -> dict[str, Any]:
    """Something to be made."""
    return {"metadata": {"generateName": "c-"}, "data": {"a": "b"}}


async def test_a_log_is_followed_as_long_as_one_may(place: Town) -> None:
    """Lines come one by one; the stream ends with the account."""
    pod = await running_pod(place)
    async with opened(place, "viewer", f"{P1}/pods/{pod}/log?follow=true&tailLines=1") as answer:
        assert await line(answer)
        assert await line(answer)
        await membership(place, "DELETE", "viewer")
        assert await ended(answer) < SOON
    await membership(place, "POST", "viewer")
    await place.eventually("viewer", f"{P1}/pods/{pod}/log?tailLines=1", 200)


async def running_pod(place: Town) -> str:
    """The name of the workload's pod, once it runs."""
    for _ in range(400):
        for pod in (await place.done("owner", "GET", P1 + "/pods"))["items"]:
            if pod["status"].get("phase") == "Running":
                return str(pod["metadata"]["name"])
        await asyncio.sleep(0.05)
    raise AssertionError("no pod runs")


async def test_a_client_that_leaves_is_let_go_in_the_cluster_too(place: Town) -> None:
    """The gateway holds no stream for nobody."""
    before = len(place.gateway.memory.streams)
    async with opened(place, "owner", WATCHES[0]):
        assert len(place.gateway.memory.streams) == before + 1
    for _ in range(100):
        if len(place.gateway.memory.streams) == before:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the stream is still held")


async def test_a_client_library_works_as_with_any_cluster(place: Town) -> None:
    """kubernetes_asyncio makes, reads, patches, watches and deletes, and is refused in its own terms."""
    library = import_module("kubernetes_asyncio.client")
    watching = import_module("kubernetes_asyncio.watch")
    configuration = library.Configuration(host=place.suite.gateway)
    configuration.api_key = {"BearerToken": place.headers("operator")["Authorization"]}
    async with library.ApiClient(configuration) as api:
        core, apps = library.CoreV1Api(api), library.AppsV1Api(api)
        body = library.V1ConfigMap(metadata=library.V1ObjectMeta(name="lib"), data={"a": "b"})
        made = await core.create_namespaced_config_map("p1", body)
        assert made.metadata.uid
        patched = await core.patch_namespaced_config_map(
            "lib", "p1", {"data": {"c": "d"}}, _content_type="application/merge-patch+json"
        )
        assert patched.data == {"a": "b", "c": "d"}
        assert [d.metadata.name for d in (await apps.list_namespaced_deployment("p1")).items] == ["web"]
        async with watching.Watch() as watch:
            listing = watch.stream(
                core.list_namespaced_config_map, "p1", field_selector="metadata.name=lib", timeout_seconds=5
            )
            async for event in listing:
                assert (event["type"], event["object"].metadata.name) == ("ADDED", "lib")
                break
        await core.delete_namespaced_config_map("lib", "p1")
        with pytest.raises(library.ApiException) as refused:
            await core.list_namespaced_secret("kube-system")
        assert refused.value.status == 403
        assert (await library.VersionApi(api).get_code()).git_version


async def test_the_record_of_a_creation_holds_the_name_that_was_given(place: Town) -> None:
    """Also where the cluster made the name, and for a write of rights; and a watch is recorded as it begins."""
    records, trail = place.gateway.making.records, place.gateway.trail
    await eventually(lambda: not trail.waiting)
    before = await records.end()
    made = await place.done("owner", "POST", P1 + "/configmaps", json=thing())
    role = {"metadata": {"generateName": "r-"}, "rules": []}
    bound = await place.done("owner", "POST", f"{RBAC}/namespaces/p1/roles", json=role)
    async with opened(place, "owner", WATCHES[1]):
        for _ in range(100):
            page = await records.read(before, [AuditRecorded.full_type()], 100)
            told = [orjson.loads(m.envelope.data) for m in page.messages if isinstance(m, Message)]
            kept = [record for record in told if record["user"] == "owner"]
            if len(kept) >= len(("configmap", "role", "watch")):
                break
            await asyncio.sleep(0.05)
    assert [(k["verb"], k["resource"], k["namespace"], k["name"]) for k in kept] == [
        ("create", "configmaps", "p1", made["metadata"]["name"]),
        ("create", "roles", "p1", bound["metadata"]["name"]),
        ("watch", "configmaps", "p1", ""),
    ]


async def test_what_is_open_ends_first_when_the_suite_does() -> None:
    """A watch ends in order, and the end of the suite does not wait for it."""
    async with aiohttp.ClientSession() as outside:
        async with town() as made:
            headers, base = made.headers("owner"), made.suite.gateway
            watch = await outside.get(base + WATCHES[0], headers=headers)
            while orjson.loads(await line(watch))["type"] != "ADDED":
                continue
            began = time.monotonic()
            reading = asyncio.create_task(ended(watch))
        took = time.monotonic() - began
        assert await asyncio.wait_for(reading, 5) < SOON
        assert took < LATE
