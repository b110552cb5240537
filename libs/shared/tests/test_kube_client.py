"""Requests to an API server: what is sent, what is raised, and credentials that change under them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from aiohttp import web

from libs.shared.errors import (
    Broken,
    Busy,
    Conflict,
    Denied,
    Exists,
    Fault,
    Gone,
    Invalid,
    Limited,
    Malformed,
    Missing,
    Stale,
)
from libs.shared.kube.client import Kube
from libs.shared.kube.connection import Connection, Fixed
from libs.shared.kube.loaded import kubeconfig
from libs.shared.kube.places import Written
from libs.shared.testing.clock import VirtualClock
from libs.shared.tests.kube_world import PODS, pod, status, world
from libs.shared.values import Secret


def echo(request: web.Request) -> web.Response:
    """What was asked."""
    groups = request.headers.getall("Impersonate-Group", [])
    return web.json_response(
        {
            "method": request.method,
            "target": request.raw_path,
            "type": request.headers.get("Content-Type", ""),
            "user": request.headers.get("Impersonate-User", ""),
            "groups": groups,
        }
    )


async def test_each_verb_is_sent_as_the_api_has_it() -> None:
    """Method, path encoded once, query without what is None, and the media type of each sort of patch."""
    async with world() as stage:
        stage.server.answer = echo
        kube, path = stage.kube, "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:a%b ü"
        sent = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:a%25b%20%C3%BC"
        assert (await kube.get(path, limit=5, watch=None, pretty=False))["target"] == f"{sent}?limit=5&pretty=false"
        for answer, method, media in (
            (await kube.create("/x", {}, dryRun="All"), "POST", "application/json"),
            (await kube.replace("/x", {}), "PUT", "application/json"),
            (await kube.patch("/x", {}), "PATCH", "application/merge-patch+json"),
            (await kube.patch("/x", [], kind="json"), "PATCH", "application/json-patch+json"),
            (await kube.apply("/x", {}, manager="m", force=True), "PATCH", "application/apply-patch+yaml"),
            (await kube.delete("/x", {"gracePeriodSeconds": 0}), "DELETE", "application/json"),
            (await kube.delete("/x"), "DELETE", ""),
        ):
            assert (answer["method"], answer["type"]) == (method, media)
        assert (await kube.apply("/x", {}, "m", force=True))["target"] == "/x?fieldManager=m&force=true"


@pytest.mark.parametrize("path", ["x", "/a/../b", "/a//b", "/a?b=c", "/a#b", "/a/.", "/a\nb", "/a\\b"])
async def test_a_path_that_means_another_is_refused(path: str) -> None:
    """A name that a user chose can't lead elsewhere."""
    async with world() as stage:
        with pytest.raises(Invalid):
            await stage.kube.get(path)
        assert stage.server.asked == []


async def test_acting_for_a_user() -> None:
    """His name and groups are sent; the client itself is unchanged; what no header holds is refused."""
    async with world() as stage:
        stage.server.answer = echo
        acting = await stage.kube.as_user("ann", ("dev", "orrery:decided")).get("/x")
        assert (acting["user"], acting["groups"]) == ("ann", ["dev", "orrery:decided"])
        assert (await stage.kube.get("/x"))["user"] == ""
        unfit: tuple[tuple[str, tuple[str, ...]], ...] = (("", ()), ("a\r\nX: y", ()), ("ann", ("a\nb",)))
        for user, groups in unfit:
            with pytest.raises(Invalid):
                stage.kube.as_user(user, groups)
        config = await stage.kube.as_user("ann", ("dev",)).kubeconfig()
        assert config["users"][0]["user"] == {"token": "t1", "as": "ann", "as-groups": ["dev"]}


@pytest.mark.parametrize(
    ("code", "reason", "fault"),
    [
        (400, "BadRequest", Malformed),
        (403, "Forbidden", Denied),
        (404, "NotFound", Missing),
        (409, "AlreadyExists", Exists),
        (409, "Conflict", Stale),
        (410, "Expired", Gone),
        (422, "Invalid", Invalid),
        (429, "TooManyRequests", Limited),
        (500, "InternalError", Busy),
        (503, "ServiceUnavailable", Busy),
    ],
)
async def test_refusals_are_of_our_own_tree(code: int, reason: str, fault: type[Fault]) -> None:
    """Kind, the server's own sentence, the object that it names, and its causes."""
    async with world() as stage:
        cause = {"field": "spec.x", "message": "must be y"}
        told = status(code, reason, 'pods "p" no', kind="pods", name="p", causes=[cause])
        stage.server.answer = lambda _: web.json_response(told, status=code, headers={"Retry-After": "7"})
        with pytest.raises(fault) as caught:
            await stage.kube.get("/x")
        assert 'pods "p" no' in caught.value.text
        if code < 429:
            assert (caught.value.resource, caught.value.name) == ("pods", "p")
            assert [(flaw.field, flaw.text) for flaw in caught.value.flaws] == [("spec.x", "must be y")]
        else:
            assert caught.value.retry_after == 7


async def test_fields_of_another_manager_are_a_conflict() -> None:
    """Apply's conflict is not a stale version: to read again would not help."""
    async with world() as stage:
        told = status(409, "Conflict", causes=[{"reason": "FieldManagerConflict", "field": ".spec", "message": "m"}])
        stage.server.answer = lambda _: web.json_response(told, status=409)
        with pytest.raises(Conflict) as caught:
            await stage.kube.apply("/x", {}, "m")
        assert not isinstance(caught.value, Stale)
        assert caught.value.flaws[0].field == ".spec"


async def test_nonsense_and_absence_are_told_apart() -> None:
    """What is no JSON is broken; a server that isn't there is busy, soon, and never a hang."""
    async with world() as stage:
        stage.server.answer = lambda _: web.Response(text="<html>")
        with pytest.raises(Broken):
            await stage.kube.get("/x")
        assert await stage.kube.text("/x") == "<html>"
    absent = Kube.at(Fixed(Connection("http://127.0.0.1:9")), VirtualClock())
    with pytest.raises(Busy):
        await absent.get("/x")
    await absent.close()


async def test_all_pages_and_lines() -> None:
    """Items of every page, with their kind; lines as they come, long ones in pieces."""
    async with world() as stage:
        stage.server.items = [pod(f"p{i}", i) for i in range(5)]
        found = [item async for item in stage.kube.pages(PODS, limit=2)]
        assert [(item["metadata"]["name"], item["kind"]) for item in found] == [(f"p{i}", "Pod") for i in range(5)]
        stage.server.answer = lambda _: web.Response(body=b"one\n\n" + b"x" * 300_000 + b"\nlast")
        lines = [line async for line in stage.kube.lines(f"{PODS}/p0/log", follow=True)]
        assert [len(line) for line in lines] == [3, 0, 262_144, 37_856, 4]


def written(path: Path, server: str, token: str) -> None:
    """A kubeconfig as whoever hosts the sandbox writes it."""
    config: dict[str, Any] = {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(config))


async def test_a_sandbox_that_another_process_hosts(tmp_path: Path) -> None:
    """Absent: busy. Started, started again with another token, then at another port: found without being told."""
    path = tmp_path / "kubeconfig"
    source = Written(path)
    async with world(source) as stage:
        stage.server.answer = echo
        with pytest.raises(Busy, match="sandbox"):
            await stage.kube.get("/x")
        written(path, "http://127.0.0.1:9", "t0")
        with pytest.raises(Busy):
            await stage.kube.get("/x")
        written(path, stage.url, "t1")
        assert (await stage.kube.get("/x"))["target"] == "/x"
        stage.server.token = "t2"
        with pytest.raises(Busy, match="credentials"):
            await stage.kube.get("/x")
        written(path, stage.url, "t2")
        assert (await stage.kube.create("/x", {}))["method"] == "POST"
        path.write_text("{")
        stage.server.token = "t3"
        with pytest.raises(Broken, match="no kubeconfig"):
            await stage.kube.get("/x")


async def test_a_kubeconfig_by_kubectls_rules(tmp_path: Path) -> None:
    """The context's server and token; one that isn't there is named; a new token is found when the old is refused."""
    path, clock = tmp_path / "config", VirtualClock()
    with pytest.raises(Broken, match="ORRERY_CLUSTER: kubeconfig:"):
        await kubeconfig(str(path), clock).current()
    async with world() as stage:
        stage.server.answer = echo
        written(path, stage.url, "t1")
        kube = Kube.at(kubeconfig(str(path), clock), clock)
        assert (await kube.get("/x"))["method"] == "GET"
        stage.server.token = "t2"
        written(path, stage.url, "t2")
        assert (await kube.get("/x"))["method"] == "GET"
        await kube.close()


def test_a_kubeconfig_for_children_holds_no_password() -> None:
    """Only a token is handed on; the secret never shows in a repr."""
    basic = Connection("https://k", Secret("Basic xyz"))
    with pytest.raises(Broken):
        basic.kubeconfig()
    assert "xyz" not in repr(basic)
    assert orjson.dumps(Connection("https://k", Secret("Bearer t")).kubeconfig())
