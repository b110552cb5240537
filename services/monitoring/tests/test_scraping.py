"""Scraping and what is told of objects: targets that fail, lie or vanish, and a cluster that shows nothing yet."""

from __future__ import annotations

import asyncio
from math import isfinite
from typing import Any

import pytest
from aiohttp import web

from libs.shared.errors import Invalid
from libs.shared.http.client import Upstreams
from services.monitoring.domain.exposition import Reader
from services.monitoring.domain.moment import Moments
from services.monitoring.domain.state import KINDS, labels_of_state
from services.monitoring.domain.state.series import quantity
from services.monitoring.parts import Parts
from services.monitoring.tests.stage import cluster, measured, named, now, opened, pod, virtual
from services.monitoring.workers.observing import LONGEST_RETRY, RETRY, Observed, observe
from services.monitoring.workers.scraping import Round, scraped

NAME = web.AppKey("name", str)


async def told(parts: Parts, expression: str) -> dict[str, str]:
    """Values by instance at this moment."""
    answer = (await parts.metrics.query({"": expression}, Moments(now(parts), now(parts))))[""]
    assert answer.error == ""
    return {row.metric.get("instance", ""): row.points[0][1] for row in answer.rows}


async def test_the_suites_own_services_are_scraped(tmp_path):
    """One that answers, one that refuses, one that breaks off, one that talks nonsense, and one that isn't there."""

    async def exposed(request: web.Request) -> web.StreamResponse:
        match request.app[NAME]:
            case "good":
                return web.Response(text="# TYPE x counter\nx 5\n" + "".join(f'y{{n="{n}"}} 1\n' for n in range(9999)))
            case "refuses":
                return web.Response(status=503)
            case "nonsense":
                return web.Response(text="<html>x</html>")
        answer = web.StreamResponse(headers={"Content-Length": "100"})
        await answer.prepare(request)
        assert request.transport is not None
        request.transport.abort()
        return answer

    runners, addresses = [], {"absent": f"unix:{tmp_path}/absent.sock"}
    for name in ("good", "refuses", "breaks", "nonsense"):
        app = web.Application()
        app[NAME] = name
        app.router.add_get("/metrics", exposed)
        runners.append(web.AppRunner(app))
        await runners[-1].setup()
        addresses[name] = f"unix:{tmp_path}/{name}.sock"
        await web.UnixSite(runners[-1], f"{tmp_path}/{name}.sock").start()
    upstreams = Upstreams(addresses)
    async with opened(tmp_path, upstreams=upstreams) as parts:
        await scraped(Round(), Observed(), parts)
        up = await told(parts, 'up{job="orrery"}')
        assert up == {"absent": "0", "breaks": "0", "good": "1", "nonsense": "0", "refuses": "0"}
        assert await told(parts, "x") == {"good": "5"}
        assert (await told(parts, "scrape_samples_scraped"))["good"] == "10000"
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize(
    "text",
    ["x", "x y z", 'x{a="b} 1', "x{a=b} 1", "{} 1", '{a="b"', "x 1e", "\x00", 'x{a="b",,} 1', 'x{a="' + "\\" * 999],
)
def test_a_text_that_is_none_is_refused_whole(text):
    """No half of it is kept as if it were all."""
    with pytest.raises(Invalid):
        list(Reader({}, 100).read("good 1\n" + text + "\n"))


def test_what_a_target_says_of_itself_does_not_hide_whose_it_is():
    """Labels of the target win; what it exposed under their names is kept beside them. Long values are left out."""
    text = (
        f'x{{job="mine",instance="evil",a="1\\n\\"2"}} 3 1600000000000\ny{{a="{"z" * 3000}"}} 1\nz NaN # {{a="b"}} 1\n'
    )
    found = dict(Reader({"job": "kubelet", "instance": "n1"}, 100).read(text))
    labels = {"__name__": "x", "a": '1\n"2', "exported_instance": "evil", "exported_job": "mine"}
    assert dict(next(iter(found))) == {**labels, "instance": "n1", "job": "kubelet"}
    assert len(found) == 2


def test_a_target_of_too_many_samples_is_refused():
    """Bounded, before they are kept."""
    with pytest.raises(Invalid, match="more than 100 samples"):
        list(Reader({}, 100).read("".join(f'x{{n="{n}"}} 1\n' for n in range(101))))


async def test_a_cluster_that_shows_a_kind_later_is_asked_again(tmp_path):
    """Soon at first, then at leisure; what it shows then is told."""
    async with opened(tmp_path) as parts:
        objects, observed = cluster(parts).objects, Observed()
        pods = objects.pop("/api/v1/pods")
        kind = next(kind for kind in KINDS if kind.path == "/api/v1/pods")
        watching = asyncio.create_task(observe(kind, observed, parts))
        await virtual(parts).advance(RETRY)
        assert not list(observed.series())
        objects["/api/v1/pods"] = pods
        await virtual(parts).advance(2 * RETRY)
        assert len([1 for labels, _ in observed.series() if ("__name__", "kube_pod_info") in labels]) == 5
        assert LONGEST_RETRY >= 2 * RETRY
        watching.cancel()
        await asyncio.wait((watching,))


async def test_an_object_that_is_gone_ends_its_series(tmp_path):
    """At the next round; a target that is gone as well."""
    async with opened(tmp_path) as parts:
        one = Round()
        await measured(parts, rounds=1, one=one)
        objects = cluster(parts).objects
        objects["/api/v1/pods"] = objects["/api/v1/pods"][:1]
        objects["/api/v1/nodes"] = objects["/api/v1/nodes"][:1]
        await measured(parts, rounds=1, one=one)
        found = (await parts.metrics.query({"": "count(kube_pod_info)"}, Moments(now(parts), now(parts))))[""]
        assert found.rows[0].points[0][1] == "1"
        assert set(await told(parts, "node_load1")) == {"node-1"}


def series(path: str, item: dict[str, Any]) -> dict[str, float]:
    """What is told of an object: name and labels as text, without the job."""
    kind = next(kind for kind in KINDS if kind.path == path)
    found = {}
    for state in kind.told(item):
        labels = dict(labels_of_state(state))
        name = labels.pop("__name__")
        labels.pop("job")
        found[name + "{" + ",".join(f"{key}={value}" for key, value in labels.items()) + "}"] = state[2]
    return found


def test_a_pod_is_told_as_kube_state_metrics_tells_it():
    """Where it is, whose, its phase, its containers' state and wishes, in the units of the original."""
    item = pod("web-1", "shop", "node-1", "ReplicaSet", "web")
    item["spec"]["containers"] = [{"name": "c", "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}}}]
    waiting = {"name": "c", "restartCount": 3, "ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    item["status"]["containerStatuses"] = [waiting]
    found = series("/api/v1/pods", item)
    own, container = "namespace=shop", "container=c,namespace=shop"
    assert found["kube_pod_info{host_ip=10.0.0.1,namespace=shop,node=node-1,pod=web-1,uid=u-web-1}"] == 1
    owner = f"{own},owner_is_controller=true,owner_kind=ReplicaSet,owner_name=web,pod=web-1"
    assert found[f"kube_pod_owner{{{owner}}}"] == 1
    assert found[f"kube_pod_status_phase{{{own},phase=Running,pod=web-1}}"] == 1
    assert found[f"kube_pod_status_phase{{{own},phase=Pending,pod=web-1}}"] == 0
    assert found[f"kube_pod_container_status_restarts_total{{{container},pod=web-1}}"] == 3
    assert found[f"kube_pod_container_status_waiting_reason{{{container},pod=web-1,reason=CrashLoopBackOff}}"] == 1
    wish = f"kube_pod_container_resource_requests{{{container},node=node-1,pod=web-1"
    assert found[f"{wish},resource=cpu,unit=core}}"] == 0.25
    assert found[f"{wish},resource=memory,unit=byte}}"] == 2**30


def test_every_kind_bears_an_object_that_says_almost_nothing():
    """No field but the name is taken for granted: one odd object ends no watch."""
    for kind in KINDS:
        nothings: tuple[object, ...] = (None, {})
        for nothing in nothings:
            item = {"metadata": {"name": "x", "namespace": "y"}, "spec": nothing, "status": nothing}
            assert all(isfinite(value) for _, _, value in kind.told(item)), kind.path
        assert list(kind.told({"metadata": {"name": "x", "namespace": "y"}})) == list(kind.told(item))


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("250m", 0.25), ("1Gi", 2**30), ("1.5k", 1500), ("1e3", 1000), ("12E", 12e18), ("", 0), ("1Zi", 0)],
)
def test_quantities_are_numbers(text, number):
    """Kubernetes' suffixes, exponents among them; nonsense counts as nothing."""
    assert quantity(text) == number


def test_a_secret_tells_nothing_of_what_it_holds():
    """Its name alone."""
    item = named("password", "shop", data={"key": "c2VjcmV0"}, stringData={"a": "secret"})
    assert series("/api/v1/secrets", item) == {"kube_secret_info{namespace=shop,secret=password}": 1}
