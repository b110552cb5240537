"""Named metrics over HTTP, of a small cluster that was scraped: values, ranks, ranges, filters, the floor in time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import product
from typing import Any

import pytest

from services.monitoring.domain.moment import Moments
from services.monitoring.tests.stage import Client, cluster, measured, named, now, opened, serving
from services.monitoring.workers.scraping import Round

V1 = "/kapis/monitoring.kubesphere.io/v1alpha3"


@pytest.fixture
async def client(tmp_path) -> AsyncIterator[Client]:
    """The routes, after two minutes of scraping."""
    async with opened(tmp_path) as parts:
        cluster(parts).objects["/api/v1/namespaces"].append(named("late.*", labels={"kubesphere.io/workspace": "red"}))
        cluster(parts).objects["/api/v1/namespaces"][-1]["metadata"]["creationTimestamp"] = "2027-01-01T00:00:00Z"
        await measured(parts, rounds=8, seconds=15)
        async with serving(parts) as found:
            found.now = now(parts) // 1000 - 15  # type: ignore[attr-defined]  # the moment of the last round
            yield found


async def asked(client: Client, path: str, **query: str) -> dict[str, Any]:
    """Results by metric."""
    async with client.get(V1 + path, params=query) as answer:
        assert answer.status == 200, await answer.text()
        told = await answer.json()
    told["by"] = {one["metric_name"]: one["data"].get("result", []) for one in told["results"] or []}
    return told


def table(rows: list[dict[str, Any]], label: str) -> dict[str, float]:
    """Values by a label."""
    return {row["metric"].get(label, ""): float(row["value"][1]) for row in rows}


async def test_the_cluster_is_measured(client):
    """A quarter of four processors, half of the memory, five pods: what the nodes exposed, through the rules."""
    names = "cluster_cpu_usage|cluster_cpu_utilisation|cluster_memory_usage_wo_cache|cluster_pod_running_count$"
    found = (await asked(client, "/cluster", metrics_filter=names))["by"]
    told = {name: float(rows[0]["value"][1]) for name, rows in found.items()}
    assert told == {
        "cluster_cpu_usage": 1,
        "cluster_cpu_utilisation": pytest.approx(0.25),
        "cluster_memory_usage_wo_cache": 2 * 4 * 2**30,
        "cluster_pod_running_count": 5,
    }


async def test_nodes_are_ranked_in_pages(client):
    """One node a page, the numbers beside them; the order of the page holds for every metric."""
    query = {"metrics_filter": "node_cpu_utilisation|node_pod_count$", "sort_metric": "node_pod_count", "limit": "1"}
    first, second = [await asked(client, "/nodes", **query, page=page) for page in "12"]
    assert (first["page"], first["total_page"], first["total_item"]) == (1, 2, 2)
    assert table(first["by"]["node_pod_count"], "node") == {"node-1": 3}
    assert table(first["by"]["node_cpu_utilisation"], "node") == {"node-1": pytest.approx(0.25)}
    assert table(second["by"]["node_pod_count"], "node") == {"node-2": 2}


async def test_pods_of_a_project_are_told_and_no_others(client):
    """By namespace, by workload, by pod: a tenth of a processor each."""
    query = {"metrics_filter": "pod_cpu_usage|pod_memory_usage_wo_cache$"}
    for path in ("/namespaces/shop/pods", "/namespaces/shop/workloads/deployment/web/pods"):
        found = (await asked(client, path, **query))["by"]
        assert table(found["pod_cpu_usage"], "pod") == {"web-7d9f-1": 0.1, "web-7d9f-2": 0.1}
        assert table(found["pod_memory_usage_wo_cache"], "pod") == {"web-7d9f-1": 1000, "web-7d9f-2": 1000}
    found = (await asked(client, "/namespaces/shop/pods/web-7d9f-2", **query))["by"]
    assert table(found["pod_cpu_usage"], "pod") == {"web-7d9f-2": 0.1}
    assert (await asked(client, "/namespaces/shop/pods/probe", **query))["by"]["pod_cpu_usage"] == []


async def test_workspaces_add_up_their_projects(client):
    """Each by its own label, and a workspace's namespaces alone below it."""
    found = (await asked(client, "/workspaces", metrics_filter="workspace_cpu_usage$"))["by"]
    assert table(found["workspace_cpu_usage"], "workspace") == {"red": 0.2, "blue": 0.1, "system-workspace": 0.2}
    found = (await asked(client, "/workspaces/red/namespaces", metrics_filter="namespace_cpu_usage$"))["by"]
    assert table(found["namespace_cpu_usage"], "namespace") == {"shop": 0.2, "late.*": 0}


async def test_a_range_has_a_point_a_step(client):
    """From start to end, none before the first round."""
    query = {"start": str(client.now - 60), "end": str(client.now), "step": "15s"}
    found = (await asked(client, "/namespaces/shop", metrics_filter="namespace_memory_usage$", **query))["by"]
    points = found["namespace_memory_usage"][0]["values"]
    assert points == [[client.now - 60 + 15 * n, "3000"] for n in range(5)]


async def test_what_was_before_a_namespace_is_not_told(client):
    """A moment before its creation is no hit: every name of the level, none with data, whatever the filter says."""
    told = await asked(client, "/namespaces/late.*", metrics_filter="namespace_cpu_usage$")
    assert {"namespace_cpu_usage", "namespace_pod_count"} < told["by"].keys()
    assert all(one["data"] == {} for one in told["results"])


HOSTILE = (
    '.*"} or {__name__=~".*',
    '.*", namespace=~".*',
    'x"}) or vector(1) or ({namespace="lab"',
    ".*|probe",
    '\\"} or up{',
    "x'} or up #",
    '`"',
    "\n",
    ")|(.*",
    "lab|.*",
)


PLACES = (
    "/namespaces/shop/pods",
    "/namespaces/shop/workloads",
    "/namespaces/shop/workloads/deployment",
    "/namespaces/shop/pods/web-7d9f-1/containers",
    "/namespaces/shop/persistentvolumeclaims",
    "/namespaces/shop/ingresses",
    "/workspaces/red/namespaces",
)


async def test_no_filter_reads_beyond_its_place(client):
    """Whatever the filters hold, every series that is told belongs to the namespace or workspace of the path."""
    told = []
    for path, text in product(PLACES, HOSTILE):
        filters = {"resources_filter": text, "job": text, "duration": text, "time": str(client.now)}
        for query in (filters, {**filters, "metrics_filter": text}):
            found = await asked(client, path, **query)
            told += [row["metric"] for rows in found["by"].values() for row in rows if row.get("metric")]
    assert {metric.get("namespace", "shop") for metric in told} <= {"shop", "late.*"}
    assert {metric.get("workspace", "red") for metric in told} <= {"red"}
    assert len(told) > len(PLACES)


async def test_a_namespace_of_regexp_characters_is_itself_alone(client):
    """`late.*` is a name like any other: it reads nothing of those that it would match; `.*` is no namespace."""
    virtual_now = str(client.now + 2 * 365 * 86400)
    told = await asked(client, "/namespaces/late.*", metrics_filter="namespace_pod_count$", time=virtual_now)
    assert told["by"] == {"namespace_pod_count": []}
    async with client.get(V1 + "/namespaces/.*/pods") as answer:
        assert (answer.status, await answer.text()) == (400, 'namespaces ".*" not found\n')


async def test_pairs_of_namespace_and_pod_are_exact(client):
    """Of two pairs, neither crosses over to the other's namespace; characters of expressions stand for themselves."""
    for wanted, expected in (
        ("shop/web-7d9f-1|lab/probe$", {"web-7d9f-1", "probe"}),
        ("lab/web-7d9f-1", set()),
        (".*/.*", set()),
    ):
        query = {"metrics_filter": "pod_cpu_usage$", "namespaced_resources_filter": wanted}
        assert set(table((await asked(client, "/pods", **query))["by"]["pod_cpu_usage"], "pod")) == expected


REFUSED = (
    ({"start": "1"}, "'time' and the combination of 'start' and 'end' are mutually exclusive."),
    ({"start": "2", "end": "1"}, "'start' must be before 'end'."),
    ({"time": "soon"}, 'strconv.ParseInt: parsing "soon": invalid syntax'),
    ({"time": "9" * 30}, f'strconv.ParseInt: parsing "{"9" * 30}": value out of range'),
    ({"start": "1", "end": "2", "step": "1d"}, 'time: unknown unit "d" in duration "1d"'),
    ({"sort_metric": "x", "page": "0"}, "Invalid parameter 'page'."),
    ({"sort_metric": "x", "limit": "1e3"}, "Invalid parameter 'limit'."),
)


async def test_bad_parameters_are_refused_in_the_originals_words(tmp_path):
    """400, and nothing is asked."""
    async with opened(tmp_path) as parts, serving(parts) as client:
        for query, text in REFUSED:
            async with client.get(V1 + "/cluster", params=query) as answer:
                assert (answer.status, await answer.text()) == (400, text + "\n")


async def test_a_metrics_filter_that_is_no_expression_finds_nothing(client):
    """As the original: no metric is named by it."""
    assert (await asked(client, "/cluster", metrics_filter="("))["results"] is None


async def test_a_resources_filter_that_is_no_expression_is_an_error_of_each_metric(client):
    """200, the error beside each metric, as when Prometheus refuses."""
    told = await asked(client, "/nodes", metrics_filter="node_cpu_usage$", resources_filter="(")
    assert "illegal regex" in told["results"][0]["error"]


async def test_too_fine_a_range_is_an_error_of_each_metric(client):
    """More than 11,000 points a series."""
    query = {"start": str(client.now - 12_000), "end": str(client.now), "step": "1s"}
    told = await asked(client, "/cluster", metrics_filter="cluster_cpu_usage$", **query)
    assert "11,000 points" in told["results"][0]["error"]


async def test_what_a_node_exposed_ends_when_it_falls_silent(tmp_path):
    """`up` is 0 at once; series and what rules made of them end then, not after the five minutes of a lookback."""
    async with opened(tmp_path) as parts, serving(parts) as client:
        one = Round()
        await measured(parts, rounds=2, one=one)
        cluster(parts).down.add("node-2")
        await measured(parts, rounds=1, one=one)
        found = await asked(client, "/nodes", metrics_filter="node_load1$", time=str(now(parts) // 1000))
        assert set(table(found["by"]["node_load1"], "node")) == {"node-1"}
        up = await parts.metrics.query({"up": "up{job='node-exporter'}"}, Moments(now(parts), now(parts)))
    assert {row.metric["instance"]: row.points[0][1] for row in up["up"].rows} == {"node-1": "1", "node-2": "0"}
