"""Roles and bindings of a cluster, written through the gateway: nobody gives away what he has not, and what was given
counts in the next request.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.forwarded import ADMIN, MERGE, RBAC, Town, town

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROLES = RBAC + "/namespaces/p1/roles"
BINDINGS = RBAC + "/namespaces/p1/rolebindings"
GROUP = "rbac.authorization.k8s.io"
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
"""Which a sandbox may not take at all."""
APPLY = {"Content-Type": "application/apply-patch+yaml"}
READ_PODS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}
READ_SECRETS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["secrets"]}
SMITH = [
    {
        "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
        "apiGroups": [GROUP],
        "resources": ["roles", "rolebindings"],
    },
    READ_PODS,
]
"""Who may write roles and bindings, and read pods; the platform's own roles for that may everything, `bind` too."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Town]:
    """One suite, in which the outsider is a smith of rights in p1 and nothing else."""
    async with town() as made:
        await made.done(ADMIN, "POST", ROLES, json=role("smith", *SMITH))
        await made.done(ADMIN, "POST", BINDINGS, json=binding("smith", "outsider"))
        yield made


def role(name: str, *rules: Any, **more: Any) -> dict[str, Any]:
    """A Role, or a ClusterRole where that is said."""
    return {"apiVersion": f"{GROUP}/v1", "kind": "Role", "metadata": {"name": name}, "rules": list(rules), **more}


def binding(name: str, user: str, kind: str = "Role", of: str = "", called: str = "") -> dict[str, Any]:
    """The role of this name bound to a user."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": called or f"{name}-{user}"},
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": of or name},
        "subjects": [{"kind": "User", "apiGroup": GROUP, "name": user}],
    }


async def test_what_is_bound_counts_at_once(place: Town) -> None:
    """The reply to a binding leaves when the gateway decides by it: the next request passes, and after the removal the
    next one doesn't. Every time.
    """
    await place.done(ADMIN, "POST", ROLES, json=role("reader", READ_PODS))
    for _ in range(8):
        await place.done(ADMIN, "POST", BINDINGS, json=binding("reader", "clerk"))
        assert (await place.ask("clerk", "GET", "/api/v1/namespaces/p1/pods"))[0] == 200
        assert (await place.ask("clerk", "GET", "/api/v1/namespaces/p1/secrets"))[0] == 403
        more = [{"op": "add", "path": "/rules/-", "value": READ_SECRETS}]
        await place.done(ADMIN, "PATCH", ROLES + "/reader", data=json.dumps(more), headers=JSON_PATCH)
        assert (await place.ask("clerk", "GET", "/api/v1/namespaces/p1/secrets"))[0] == 200
        await place.done(ADMIN, "PUT", ROLES + "/reader", json=role("reader", READ_PODS))
        assert (await place.ask("clerk", "GET", "/api/v1/namespaces/p1/secrets"))[0] == 403
        await place.done(ADMIN, "DELETE", BINDINGS + "/reader-clerk")
        assert (await place.ask("clerk", "GET", "/api/v1/namespaces/p1/pods"))[0] == 403
    held = place.gateway.journal.registry.get_sample_value
    assert not held("orrery_gateway_held_replies_total", {"seen": "no"})


async def test_one_hands_on_what_one_has(place: Town) -> None:
    """A role of one's own rights is made, changed in every way and bound; the answer is the cluster's, in the form that
    was asked for.
    """
    assert (await place.ask("outsider", "POST", ROLES, json=role("mine", READ_PODS)))[0] == 201
    for headers, patch in (
        (MERGE, {"metadata": {"labels": {"a": "b"}}}),
        (JSON_PATCH, [{"op": "remove", "path": "/rules/0/verbs/1"}]),
        (APPLY, role("mine", {**READ_PODS, "verbs": ["list"]})),
    ):
        path = f"{ROLES}/mine?fieldManager=me&force={'true' if headers is APPLY else ''}".removesuffix("&force=")
        status, body = await place.ask("outsider", "PATCH", path, data=json.dumps(patch), headers=headers)
        assert (status, body["kind"]) == (200, "Role"), (headers, body)
    standing = await place.done("outsider", "GET", ROLES + "/mine")
    assert standing["rules"] == [{**READ_PODS, "verbs": ["list"]}]
    assert standing["metadata"]["labels"] == {"a": "b"}
    assert (await place.ask("outsider", "POST", BINDINGS, json=binding("mine", "clerk")))[0] == 201
    assert (await place.ask("clerk", "GET", "/api/v1/namespaces/p1/pods"))[0] == 200
    other = binding("mine", "viewer", called="mine-clerk")
    status, body = await place.ask("outsider", "PUT", BINDINGS + "/mine-clerk", json=other)
    assert (status, body["subjects"][0]["name"]) == (200, "viewer")
    assert (await place.ask("outsider", "DELETE", BINDINGS + "/mine-clerk"))[0] == 200


NAME = "/subjects/0/name"
STEALS: tuple[tuple[str, str, dict[str, str], Any], ...] = (
    ("POST", ROLES, {}, role("steal", READ_SECRETS)),
    ("POST", ROLES, {}, role("steal", {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})),
    ("POST", ROLES, {}, role("steal", READ_PODS, {**READ_PODS, "verbs": ["delete"]})),
    ("POST", ROLES, {}, role("steal", {**READ_PODS, "resources": ["pods/exec"]})),
    ("POST", ROLES + "?dryRun=All", {}, role("steal", READ_SECRETS)),
    ("PUT", ROLES + "/open", {}, role("open", READ_SECRETS)),
    ("PATCH", ROLES + "/open", MERGE, {"rules": [READ_SECRETS]}),
    ("PATCH", ROLES + "/open", STRATEGIC, {"rules": [READ_SECRETS]}),
    ("PATCH", ROLES + "/open", JSON_PATCH, [{"op": "add", "path": "/rules/-", "value": READ_SECRETS}]),
    ("PATCH", ROLES + "/open", JSON_PATCH, [{"op": "replace", "path": "/rules/0/resources/0", "value": "secrets"}]),
    ("PATCH", ROLES + "/open?fieldManager=x&force=true", APPLY, role("open", READ_SECRETS)),
    ("PATCH", ROLES + "/fresh?fieldManager=x", APPLY, role("fresh", READ_SECRETS)),
    ("POST", BINDINGS, {}, binding("admin", "outsider")),
    ("POST", BINDINGS, {}, binding("viewer", "outsider")),
    ("POST", BINDINGS, {}, binding("cluster-admin", "outsider", "ClusterRole")),
    ("PATCH", BINDINGS + "/fresh?fieldManager=x", APPLY, binding("admin", "outsider", called="fresh")),
    ("PUT", BINDINGS + "/owner-admin", {}, binding("admin", "outsider", called="owner-admin")),
    ("PATCH", BINDINGS + "/owner-admin", MERGE, {"subjects": binding("admin", "outsider")["subjects"]}),
    ("PATCH", BINDINGS + "/owner-admin", JSON_PATCH, [{"op": "replace", "path": NAME, "value": "outsider"}]),
)


@pytest.mark.parametrize(("method", "path", "headers", "body"), STEALS)
async def test_nobody_gives_himself_what_he_has_not(
    place: Town, method: str, path: str, headers: dict[str, str], body: Any
) -> None:
    """Whatever the kind of write: what would stand after it is what counts, and nothing is changed."""
    if (await place.ask(ADMIN, "GET", ROLES + "/open"))[0] == 404:
        await place.done(ADMIN, "POST", ROLES, json=role("open", READ_PODS))
    sent = {"Content-Type": "application/json", **headers}
    status, answer = await place.ask("outsider", method, path, data=json.dumps(body), headers=sent)
    refused = (403,) if headers is not STRATEGIC else (403, 415)
    assert status in refused, answer
    assert (await place.done(ADMIN, "GET", ROLES + "/open"))["rules"] == [READ_PODS]
    assert (await place.ask(ADMIN, "GET", ROLES + "/steal"))[0] == 404
    assert (await place.ask("outsider", "GET", "/api/v1/namespaces/p1/secrets"))[0] == 403


async def test_who_may_everything_in_a_project_gives_everything_there(place: Town) -> None:
    """A project's admin makes and binds any role of it; beyond it he writes nothing."""
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    assert (await place.ask("owner", "POST", ROLES, json=role("all", everything)))[0] == 201
    assert (await place.ask("owner", "POST", BINDINGS, json=binding("all", "viewer")))[0] == 201
    assert (await place.ask("owner", "POST", RBAC + "/clusterroles", json=role("all", everything)))[0] == 403
    other = RBAC + "/namespaces/default/rolebindings"
    assert (await place.ask("owner", "POST", other, json=binding("all", "owner")))[0] == 403
    assert (await place.ask("owner", "DELETE", BINDINGS + "/all-viewer"))[0] == 200


async def test_a_cluster_role_is_given_by_who_holds_it_in_the_cluster(place: Town) -> None:
    """Paths that are no resources, and roles that gather the rules of others, count as what they may come to."""
    verbs = ["get", "list", "create", "update", "patch", "delete"]
    smith = {"verbs": verbs, "apiGroups": [GROUP], "resources": ["clusterroles", "clusterrolebindings"]}
    kind = {"kind": "ClusterRole"}
    await place.done(ADMIN, "POST", RBAC + "/clusterroles", json=role("cluster-smith", smith, **kind))
    bound = {**binding("cluster-smith", "clerk", "ClusterRole"), "kind": "ClusterRoleBinding"}
    await place.done(ADMIN, "POST", RBAC + "/clusterrolebindings", json=bound)
    own = role("own", {**smith, "verbs": ["get"]}, **kind)
    assert (await place.ask("clerk", "POST", RBAC + "/clusterroles", json=own))[0] == 201
    gathering = {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]}, **kind}
    for stolen in (
        role("stolen", {"verbs": ["get"], "nonResourceURLs": ["/metrics"]}, **kind),
        role("stolen", READ_PODS, **kind),
        role("stolen", **gathering),
    ):
        assert (await place.ask("clerk", "POST", RBAC + "/clusterroles", json=stolen))[0] == 403
    mine = {**binding("cluster-admin", "clerk", "ClusterRole"), "kind": "ClusterRoleBinding"}
    assert (await place.ask("clerk", "POST", RBAC + "/clusterrolebindings", json=mine))[0] == 403
    assert (await place.ask(ADMIN, "POST", RBAC + "/clusterroles", json=role("gathers", **gathering)))[0] == 201


P1 = "/api/v1/namespaces/p1"
LABEL = "kubesphere.io/workspace"
ESCAPED = "/metadata/labels/kubesphere.io~1workspace"
MOVED = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "p1", "labels": {LABEL: "ws2"}}}


@pytest.mark.parametrize("who", ["owner", "chief"])
@pytest.mark.parametrize(
    ("path", "headers", "patch"),
    [
        (P1, MERGE, {"metadata": {"labels": {LABEL: "ws2"}}}),
        (P1, MERGE, {"metadata": {"labels": {LABEL: None}}}),
        (P1, MERGE, {"metadata": {"labels": None}}),
        (P1, STRATEGIC, {"metadata": {"labels": {LABEL: "ws2"}}}),
        (P1, JSON_PATCH, [{"op": "replace", "path": ESCAPED, "value": "ws2"}]),
        (P1, JSON_PATCH, [{"op": "remove", "path": ESCAPED}]),
        (P1 + "/status", MERGE, {"metadata": {"labels": {LABEL: "ws2"}}}),
        (P1 + "?fieldManager=x&force=true", APPLY, MOVED),
    ],
)
async def test_nobody_moves_a_project_to_a_workspace_that_he_has_not(
    place: Town, who: str, path: str, headers: dict[str, str], patch: Any
) -> None:
    """Who may change the namespace changes everything but whose it is: its admin and its workspace's admin alike."""
    await place.ask(who, "PATCH", path, data=json.dumps(patch), headers=headers)
    standing = await place.done(ADMIN, "GET", P1)
    assert standing["metadata"]["labels"][LABEL] == "ws1"
    status, _ = await place.ask(who, "PATCH", P1, json={"metadata": {"annotations": {"a": "b"}}}, headers=MERGE)
    assert status == 200


async def test_who_may_in_both_workspaces_moves_a_project(place: Town) -> None:
    """From then on its members are those of the new workspace; and back."""
    made = {"metadata": {"name": "moving", "labels": {LABEL: "ws1"}}}
    await place.done(ADMIN, "POST", "/api/v1/namespaces", json=made)
    moving = "/api/v1/namespaces/moving"
    for space, inside, outside in (("ws2", "clerk", "chief"), ("ws1", "chief", "clerk")):
        await place.done(ADMIN, "PATCH", moving, json={"metadata": {"labels": {LABEL: space}}}, headers=MERGE)
        assert (await place.ask(inside, "GET", moving + "/pods"))[0] == 200
        assert (await place.ask(outside, "GET", moving + "/pods"))[0] == 403


async def test_two_who_change_one_role_lose_nothing(place: Town) -> None:
    """Patches that meet are drawn up anew: both are kept."""
    await place.done(ADMIN, "POST", ROLES, json=role("shared", READ_PODS))
    patches = [{"metadata": {"labels": {f"k{i}": "v"}}} for i in range(4)]
    writes = [place.ask(ADMIN, "PATCH", ROLES + "/shared", json=patch, headers=MERGE) for patch in patches]
    statuses = [status for status, _ in await asyncio.gather(*writes)]
    labels = (await place.done(ADMIN, "GET", ROLES + "/shared"))["metadata"]["labels"]
    assert len(labels) == statuses.count(200)
    assert set(statuses) <= {200, 409}
