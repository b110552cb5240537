"""Expressions of callers, bound to the one namespace that they may read: no spelling of them reads another's series."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from libs.shared.errors import Invalid
from services.monitoring.clients.binding import bound
from services.monitoring.domain.labels import labels_of
from services.monitoring.tests.stage import Client, now, opened, serving

V1 = "/kapis/monitoring.kubesphere.io/v1alpha3"
SPACES = {"shop": 1.0, "lab": 64.0, "": 512.0}


@pytest.fixture
async def client(tmp_path) -> AsyncIterator[Client]:
    """A value of each namespace that no sum of others hides, and one without any."""
    async with opened(tmp_path) as parts:
        assert parts.keep is not None
        rows = [({"__name__": "secret", "namespace": space, "job": "x"}, value) for space, value in SPACES.items()]
        for seconds in (60, 30, 0):
            at = now(parts) - seconds * 1000
            await parts.keep.write([(labels_of(labels), at, value) for labels, value in rows])
        async with serving(parts) as found:
            yield found


async def test_an_expression_of_a_namespace_is_answered(client):
    """One object, no list around it; labels and value as they are."""
    async with client.get(V1 + "/namespaces/shop/targets/query", params={"expr": "sum by (namespace) (secret)"}) as got:
        told = (await got.json())["data"]
    assert (told["resultType"], told["result"][0]["metric"]) == ("vector", {"namespace": "shop"})
    assert told["result"][0]["value"][1] == "1"


REACHING = (
    "secret",
    'secret{namespace="lab"}',
    'secret{namespace=~".*"}',
    'secret{namespace!="shop"}',
    'secret{namespace!~"shop|"}',
    '{__name__=~"sec.*"}',
    '{__name__="secret", namespace="lab" or namespace="shop"}',
    '{job="x" or __name__="secret"}',
    "sum(secret)",
    "max_over_time(secret[5m])",
    "max_over_time(sum(secret)[5m:30s])",
    "secret offset 30s",
    "secret @ end()",
    'secret or secret{namespace="lab"}',
    'secret unless secret{namespace="shop"}',
    'vector(0) + on () group_left secret{namespace="lab"}',
    'label_replace(secret{namespace="lab"}, "namespace", "shop", "", "")',
    'absent(secret{namespace="lab"}) + sum(secret)',
    "topk(3, secret) or bottomk(3, secret)",
    'count_values("namespace", secret)',
    "-secret",
    "(((secret)))",
    "quantile(scalar(sum(secret)) / 1000, secret)",
    'topk(scalar(secret{namespace="lab"}), secret)',
    'scalar(secret{namespace="lab"}) or vector(1)',
)


async def test_no_expression_reads_beyond_its_namespace(client):
    """Whatever it is: what it gives is what a store gives that holds this namespace's series alone, at one moment and
    over a range.
    """
    for expression in REACHING:
        for query in ({}, {"start": "1767225540", "end": "1767225600", "step": "30s"}):
            async with client.get(V1 + "/namespaces/shop/targets/query", params={"expr": expression, **query}) as got:
                told = (await got.json()).get("data", {}) if got.status == 200 else {}
            rows = told.get("result", [])
            values = {float(p[1]) for row in rows for p in (row.get("values") or [row["value"]])}
            assert all(abs(value) < 64 for value in values), (expression, rows)
            assert {row.get("metric", {}).get("namespace", "shop") for row in rows} <= {"shop", "1"}, expression


INJECTING = ('shop"', "shop\\", "a\nb", 'x"} or secret{namespace="lab', "`", ".*", "a,b", "é", "{}")


@pytest.mark.parametrize("namespace", INJECTING)
def test_a_hostile_name_binds_to_itself(namespace):
    """Any text is a namespace's name: bound twice it is the same, and bound to another it is that one's alone."""
    once = bound('sum(secret{job="x"})', namespace)
    assert bound(once, namespace) == once
    assert bound(once, "lab") == 'sum({__name__="secret", job="x", namespace="lab"})'


async def test_label_sets_are_bound_as_well(client):
    """Selectors of others find nothing of them; names are left out."""
    query = {"start": "1767225000", "end": "1767225600"}
    for selector in ("secret", 'secret{namespace="lab"}', '{__name__=~".+"}'):
        async with client.get(V1 + "/namespaces/shop/targets/labelsets", params={"metric": selector, **query}) as got:
            assert (await got.json())["data"] == [{"job": "x", "namespace": "shop"}]
    async with client.get(V1 + "/namespaces/shop/targets/labelsets", params={"metric": "sum(secret)", **query}) as got:
        assert await got.json() == {"data": []}
    async with client.get(V1 + "/namespaces/shop/targets/labelsets", params={"metric": "secret"}) as got:
        assert (got.status, await got.text()) == (400, "required fields are missing: [metric, start, end]\n")


HOPELESS = {
    "nothing": "",
    "half": "sum(",
    "brackets": "(" * 5000 + "secret" + ")" * 5000,
    "signs": "-" * 9000 + "secret",
    "spaced signs": "- " * 5000 + "secret",
    "a chain": " or ".join(["secret"] * 1500),
    "a chain of sums": "+".join(["1"] * 7000),
    "powers": "^".join(["2"] * 7000),
    "calls": "abs(" * 3000 + "secret" + ")" * 3000,
    "subqueries": "secret" + "[5m:1m]" * 1500,
    "length": "a" * 20000,
    "no expression": 'secret{job=~"("}',
    "a function that isn't there": "nuke(secret)",
    "one that is not offered": "info(secret)",
    "wrong types": "rate(secret)",
    "control characters": "secret\x00",
    "an unclosed text": 'secret{job="',
    "a duration past all bounds": "secret[99999999999999999999d]",
    "a moment past all bounds": "secret @ 1e308",
    "quotes in a comment": '#"\n' + "abs(" * 5000 + "secret" + ")" * 5000 + '#"',
    "quotes in quotes": "'\"' " + "^2" * 7000 + " '\"'",
    "an offset past all bounds": "secret offset 999999999y",
}


@pytest.mark.parametrize("name", sorted(HOPELESS))
def test_a_hopeless_expression_is_refused(name):
    """In words, and at once: the process goes on."""
    with pytest.raises(Invalid) as refused:
        bound(HOPELESS[name], "shop")
    assert refused.value.text
