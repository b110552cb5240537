"""Reads of kinds: get, lists in parts at one revision, selectors, and what is refused."""

from __future__ import annotations

import asyncio

import pytest

from libs.shared.tests.kinds_service import API, VAULTS, Bank, bank

SLOTS = f"{API}/namespaces/x/slots"


@pytest.fixture
async def served(tmp_path):
    async with bank(tmp_path, changes=10) as running:
        yield running


def names(answer) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"]]


async def listed(served: Bank, query: str = "") -> list[str]:
    status, answer = await served.ask("GET", f"{VAULTS}?{query}")
    assert status == 200, answer
    return names(answer)


async def test_a_list_is_ordered_typed_and_versioned(served: Bank):
    """A list is of kind <Kind>List, ordered by name, at the store's revision; an empty one has an empty array."""
    status, answer = await served.ask("GET", VAULTS)
    assert (status, answer["items"]) == (200, [])
    for name in ("b", "c", "a"):
        await served.make(name)
    status, answer = await served.ask("GET", VAULTS)
    assert (answer["kind"], answer["apiVersion"], names(answer)) == (
        "VaultList",
        "bank.example.io/v1beta1",
        ["a", "b", "c"],
    )
    assert int(answer["metadata"]["resourceVersion"]) >= max(
        int(item["metadata"]["resourceVersion"]) for item in answer["items"]
    )


async def test_selectors_choose(served: Bank):
    """Label selectors, and field selectors on the name and on declared fields, leave what they mean."""
    await served.make("a", colour="red", labels={"env": "prod", "tier": "web"})
    await served.make("b", colour="blue", labels={"env": "test"})
    await served.make("c")
    assert await listed(served, "labelSelector=env") == ["a", "b"]
    assert await listed(served, "labelSelector=env in (prod),tier") == ["a"]
    assert await listed(served, "labelSelector=!env") == ["c"]
    assert await listed(served, "fieldSelector=metadata.name=b") == ["b"]
    assert await listed(served, "fieldSelector=metadata.name!=b,spec.colour=red") == ["a"]
    assert await listed(served, "fieldSelector=status.sealed=false&labelSelector=env!=test") == ["a", "c"]


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("labelSelector=!!!", 400, "unable to parse requirement: found '!', expected: identifier"),
        ("fieldSelector=spec.code=1", 400, "field label not supported: spec.code"),
        ("fieldSelector=metadata.namespace=x", 400, "field label not supported: metadata.namespace"),
        ("fieldSelector=x", 400, "invalid selector: 'x'; can't understand 'x'"),
        ("limit=-5", 400, 'limit: Invalid value: "-5"'),
        ("limit=x", 400, "limit: Invalid value"),
        ("limit=1&continue=abc", 400, "continue key is not valid"),
        ("limit=1&continue=bnVsbA", 400, "continue key is not valid"),
        ("resourceVersion=-1", 400, "resourceVersion: Invalid value"),
        ("resourceVersionMatch=Exact", 422, "forbidden unless resourceVersion is provided"),
        ("resourceVersionMatch=Near&resourceVersion=1", 422, "supported values"),
        ("resourceVersionMatch=Exact&resourceVersion=0", 422, 'is forbidden for resourceVersion "0"'),
        ("sendInitialEvents=true", 422, "sendInitialEvents is forbidden for list"),
        ("resourceVersion=100000", 410, "Too large resource version"),
        ("timeoutSeconds=soon&watch=true", 400, "timeoutSeconds: Invalid value"),
    ],
)
async def test_queries_that_are_refused(served: Bank, query, code, message):
    """Each wrong parameter gets its status and its sentence."""
    status, answer = await served.ask("GET", f"{VAULTS}?{query}")
    assert status == code
    assert message in answer["message"]


async def test_a_list_in_parts_shows_one_revision(served: Bank):
    """What is made, changed and removed between two parts does not show in the later ones; each object comes once."""
    for name in "abcdef":
        await served.make(name, colour="old")
    status, first = await served.ask("GET", f"{VAULTS}?limit=2")
    assert (names(first), first["metadata"]["remainingItemCount"]) == (["a", "b"], 4)
    await asyncio.gather(
        served.ask("DELETE", f"{VAULTS}/c"),
        served.patch(f"{VAULTS}/d", {"spec": {"colour": "new"}}),
        served.make("dd"),
    )
    status, second = await served.ask("GET", f"{VAULTS}?limit=3&continue={first['metadata']['continue']}")
    assert (status, names(second)) == (200, ["c", "d", "e"])
    assert {item["spec"]["colour"] for item in second["items"]} == {"old"}
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    status, last = await served.ask("GET", f"{VAULTS}?limit=3&continue={second['metadata']['continue']}")
    assert (names(last), "continue" in last["metadata"]) == (["f"], False)
    assert await listed(served) == ["a", "b", "d", "dd", "e", "f"]


async def test_a_list_as_it_stood(served: Bank):
    """Exact at an earlier revision shows the collection of then; NotOlderThan shows that of now."""
    then = (await served.make("a", colour="red"))["metadata"]["resourceVersion"]
    await served.patch(f"{VAULTS}/a", {"spec": {"colour": "blue"}})
    await served.make("b")
    status, answer = await served.ask("GET", f"{VAULTS}?resourceVersion={then}&resourceVersionMatch=Exact")
    assert (status, names(answer), answer["items"][0]["spec"]["colour"]) == (200, ["a"], "red")
    assert answer["metadata"]["resourceVersion"] == then
    assert await listed(served, f"resourceVersion={then}") == ["a", "b"]
    assert await listed(served, f"resourceVersion={then}&resourceVersionMatch=NotOlderThan") == ["a", "b"]
    assert await listed(served, "resourceVersion=0") == ["a", "b"]


async def test_a_list_that_is_too_old_is_gone(served: Bank):
    """When the changes since a list's revision are no longer kept, the next part is 410, and so is Exact."""
    for name in "abc":
        await served.make(name)
    _, first = await served.ask("GET", f"{VAULTS}?limit=1")
    for number in range(15):
        await served.patch(f"{VAULTS}/a", {"metadata": {"labels": {"n": str(number)}}})
    status, answer = await served.ask("GET", f"{VAULTS}?limit=1&continue={first['metadata']['continue']}")
    assert (status, answer["reason"]) == (410, "Expired")
    assert "The provided continue parameter is too old" in answer["message"]
    then = first["metadata"]["resourceVersion"]
    status, answer = await served.ask("GET", f"{VAULTS}?resourceVersion={then}&resourceVersionMatch=Exact")
    assert (status, answer["reason"]) == (410, "Expired")


async def test_namespaced_kinds(served: Bank):
    """Objects of a namespace are listed in it and in the list over all; the same name may stand in two."""
    for namespace, name in (("y", "s"), ("x", "s"), ("x", "r")):
        body = {"metadata": {"name": name}, "spec": {"size": 1}}
        assert (await served.ask("POST", f"{API}/namespaces/{namespace}/slots", body))[0] == 201
    assert names((await served.ask("GET", SLOTS))[1]) == ["r", "s"]
    _, everywhere = await served.ask("GET", f"{API}/slots")
    assert [item["metadata"]["namespace"] for item in everywhere["items"]] == ["x", "x", "y"]
    _, chosen = await served.ask("GET", f"{API}/slots?fieldSelector=metadata.namespace=y")
    assert names(chosen) == ["s"]
    status, thing = await served.ask("GET", f"{SLOTS}/s")
    assert (status, thing["metadata"]["namespace"]) == (200, "x")
    assert (await served.ask("GET", f"{API}/namespaces/z/slots/s"))[0] == 404


@pytest.mark.parametrize(
    ("accept", "code"),
    [
        ("", 200),
        ("*/*", 200),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", 200),
        ("application/json;as=Table;v=v1;g=meta.k8s.io", 406),
        ("application/vnd.kubernetes.protobuf", 406),
        ("application/vnd.kubernetes.protobuf,*/*", 200),
    ],
)
async def test_plain_json_must_be_acceptable(served: Bank, accept, code):
    """kubectl's list of types falls back to JSON; who takes only Tables or Protobuf is told so."""
    assert (await served.ask("GET", VAULTS, headers={"Accept": accept}))[0] == code


async def test_discovery(served: Bank):
    """Group, resources with their verbs and short names, and the list that the gateway merges agree."""
    _, group = await served.ask("GET", "/apis/bank.example.io")
    version = {"groupVersion": "bank.example.io/v1beta1", "version": "v1beta1"}
    assert group == {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": "bank.example.io",
        "versions": [version],
        "preferredVersion": version,
    }
    _, resources = await served.ask("GET", API)
    slots, vaults = resources["resources"]
    assert resources["groupVersion"] == "bank.example.io/v1beta1"
    assert vaults == {
        "name": "vaults",
        "singularName": "vault",
        "namespaced": False,
        "kind": "Vault",
        "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
        "shortNames": ["vt"],
        "categories": ["all"],
    }
    assert (slots["namespaced"], slots["verbs"]) == (True, ["create", "get", "list"])
    _, whole = await served.ask("GET", "/internal/kinds")
    assert whole["kind"] == "APIGroupDiscoveryList"
    assert [item["resource"] for item in whole["items"][0]["versions"][0]["resources"]] == ["slots", "vaults"]
