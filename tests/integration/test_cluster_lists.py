"""Lists, members and projects through the gateway, by everybody: who sees and changes what, and how soon a change is
seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.forwarded import ADMIN, IAM, PEOPLE, TENANT, Town, town

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVERYBODY = ("", *PEOPLE, ADMIN)
MEMBERS = ("viewer", "operator", "owner", "chief", ADMIN)
LISTS = "/kapis/resources.kubesphere.io/v1alpha3"
OLDER = "/kapis/resources.kubesphere.io/v1alpha2"
P1 = LISTS + "/namespaces/p1"
WS1 = TENANT + "/v1alpha2/workspaces/ws1/namespaces"
PROJECT = IAM + "/namespaces/p1"
SERVICES = "/api/v1/namespaces/p1/services"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Town]:
    """One suite for all: its start takes longest."""
    async with town() as made:
        yield made


def names(answer: Any) -> list[str]:
    """Names of a list's items, sorted."""
    return sorted(one["metadata"]["name"] for one in answer["items"])


READS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (P1 + "/pods", MEMBERS),
    (P1 + "/secrets", MEMBERS),
    (P1 + "/configmaps/kube-root-ca.crt", MEMBERS),
    (OLDER + "/namespaces/p1/quotas", MEMBERS),
    (OLDER + "/namespaces/p1/abnormalworkloads", MEMBERS),
    (OLDER + "/namespaces/p1/pods", MEMBERS),
    (PROJECT + "/members", MEMBERS),
    (PROJECT + "/roles", MEMBERS),
    (LISTS + "/pods", (ADMIN,)),
    (LISTS + "/secrets", (ADMIN,)),
    (LISTS + "/namespaces/kube-system/secrets", (ADMIN,)),
    (OLDER + "/componenthealth", (ADMIN,)),
    (OLDER + "/abnormalworkloads", (ADMIN,)),
)


@pytest.mark.parametrize(("path", "allowed"), READS)
async def test_who_reads_what(place: Town, path: str, allowed: tuple[str, ...]) -> None:
    """Members read their project, nobody else does; the whole cluster is the platform's."""
    answers = {who: (await place.ask(who, "GET", path))[0] for who in EVERYBODY}
    assert answers == {who: 200 if who in allowed else 403 for who in EVERYBODY}


async def test_projects_are_listed_by_rights(place: Town) -> None:
    """A member sees his project, who manages the workspace all of it, an outsider none."""
    found = {who: names(await place.done(who, "GET", TENANT + "/v1alpha2/namespaces")) for who in PEOPLE}
    assert found == {who: ["p1"] if who in MEMBERS else [] for who in PEOPLE}
    assert names(await place.done("chief", "GET", WS1)) == ["p1"]
    assert {"p1", "kube-system"} <= set(names(await place.done(ADMIN, "GET", TENANT + "/v1alpha2/namespaces")))
    assert (await place.ask("", "GET", WS1))[0] == 403


async def test_who_makes_and_ends_projects(place: Town) -> None:
    """Who manages the workspace does, and is admin of what he made; others are refused, of another workspace too."""
    body = {"metadata": {"name": "p2"}}
    refused = {who: (await place.ask(who, "POST", WS1, json=body))[0] for who in ("", "outsider", "viewer", "clerk")}
    assert set(refused.values()) == {403}
    await place.done("chief", "POST", WS1, json=body)
    assert (await place.ask("chief", "POST", WS1, json=body))[0] == 400
    await place.eventually("chief", IAM + "/namespaces/p2/members/chief", 200)
    assert (await place.ask("owner", "GET", "/api/v1/namespaces/p2/pods"))[0] == 403
    other = TENANT + "/v1alpha2/workspaces/ws2/namespaces/p2"
    assert (await place.ask("clerk", "DELETE", other))[0] in (403, 404)
    await place.done("chief", "DELETE", WS1 + "/p2")
    await place.eventually("chief", WS1 + "/p2", 404)


async def test_a_new_member_may_at_once_and_a_removed_one_no_more(place: Town) -> None:
    """The answer to an invitation, a change and a removal comes when requests are decided by it."""
    pods, settings = "/api/v1/namespaces/p1/pods", "/api/v1/namespaces/p1/configmaps"
    thing = {"metadata": {"generateName": "c-"}}
    for _ in range(5):
        await place.done("owner", "POST", PROJECT + "/members", json=[{"username": "outsider", "roleRef": "operator"}])
        assert (await place.ask("outsider", "POST", settings, json=thing))[0] == 201
        body = {"username": "outsider", "roleRef": "viewer"}
        await place.done("owner", "PUT", PROJECT + "/members/outsider", json=body)
        assert (await place.ask("outsider", "POST", settings, json=thing))[0] == 403
        assert (await place.ask("outsider", "GET", pods))[0] == 200
        await place.done("owner", "DELETE", PROJECT + "/members/outsider")
        assert (await place.ask("outsider", "GET", pods))[0] == 403


async def test_nobody_raises_himself(place: Town) -> None:
    """Whoever may work in a project neither invites, nor makes roles; a workspace's clerk of elsewhere is nobody."""
    invite = [{"username": "operator", "roleRef": "admin"}]
    for who in ("viewer", "operator", "outsider", "clerk", ""):
        assert (await place.ask(who, "POST", PROJECT + "/members", json=invite))[0] == 403, who
        assert (await place.ask(who, "DELETE", PROJECT + "/members/owner"))[0] == 403, who
        assert (await place.ask(who, "DELETE", PROJECT + "/roles/viewer"))[0] == 403, who


async def test_a_role_of_parts_counts_at_once(place: Town) -> None:
    """Made of a template and bound, it allows just that."""
    parts = {"iam.kubesphere.io/aggregation-roles": '["role-template-view-configmaps"]'}
    await place.done("owner", "POST", PROJECT + "/roles", json={"metadata": {"name": "reader", "annotations": parts}})
    await place.done("owner", "POST", PROJECT + "/members", json=[{"username": "outsider", "roleRef": "reader"}])
    assert (await place.ask("outsider", "GET", "/api/v1/namespaces/p1/configmaps"))[0] == 200
    assert (await place.ask("outsider", "GET", "/api/v1/namespaces/p1/secrets"))[0] == 403
    await place.done("owner", "DELETE", PROJECT + "/roles/reader")
    assert (await place.ask("outsider", "GET", "/api/v1/namespaces/p1/configmaps"))[0] == 403
    await place.done("owner", "DELETE", PROJECT + "/members/outsider")


async def test_what_was_written_is_listed(place: Town) -> None:
    """A list right after a write through the gateway has it, and has it no more right after its deletion; by many at
    once.
    """

    async def once(number: int) -> None:
        name = f"s{number}"
        body = {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}
        await place.done("operator", "POST", SERVICES, json=body)
        assert names(await place.done("viewer", "GET", f"{P1}/services?names={name}")) == [name]
        await place.done("operator", "DELETE", f"{SERVICES}/{name}")
        assert names(await place.done("viewer", "GET", f"{P1}/services?names={name}")) == []

    for begin in range(0, 40, 8):
        await asyncio.gather(*(once(begin + number) for number in range(8)))


async def test_a_namespace_that_is_labelled_becomes_a_project(place: Town) -> None:
    """By the administrator's `kubectl label`; its workspace's chief then rules in it."""
    await place.done(ADMIN, "POST", "/api/v1/namespaces", json={"metadata": {"name": "late"}})
    assert (await place.ask("chief", "GET", "/api/v1/namespaces/late/pods"))[0] == 403
    label = {"metadata": {"labels": {"kubesphere.io/workspace": "ws1"}}}
    merge = {"Content-Type": "application/merge-patch+json"}
    await place.done(ADMIN, "PATCH", "/api/v1/namespaces/late", json=label, headers=merge)
    assert (await place.ask("chief", "GET", "/api/v1/namespaces/late/pods"))[0] == 200
    await place.eventually("chief", "/apis/rbac.authorization.k8s.io/v1/namespaces/late/roles/operator", 200)
    assert "late" in names(await place.done("chief", "GET", WS1))
