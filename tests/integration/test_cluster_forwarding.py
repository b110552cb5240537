"""Kubernetes' API through the gateway, role by role, on a real API server: what each may, and what nobody gets past."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from yarl import URL

from tests.integration.forwarded import ADMIN, MERGE, PEOPLE, Town, town

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVERYBODY = ("", *PEOPLE, ADMIN)
MEMBERS = ("viewer", "operator", "owner", "chief", ADMIN)
P1 = "/api/v1/namespaces/p1"
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Town]:
    """One suite for all: its start takes longest."""
    async with town() as made:
        yield made


READS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (P1, MEMBERS),
    (P1 + "/pods", MEMBERS),
    (P1 + "/secrets", MEMBERS),
    ("/apis/apps/v1/namespaces/p1/deployments", MEMBERS),
    ("/apis/rbac.authorization.k8s.io/v1/namespaces/p1/rolebindings", MEMBERS),
    ("/api/v1/nodes", (*PEOPLE, ADMIN)),
    ("/api/v1/pods", (ADMIN,)),
    ("/api/v1/namespaces/kube-system/secrets", (ADMIN,)),
    ("/api/v1/namespaces/default/pods", (ADMIN,)),
    ("/apis/rbac.authorization.k8s.io/v1/clusterroles", (ADMIN,)),
    ("/readyz", (ADMIN,)),
    ("/version", (*PEOPLE, ADMIN)),
    ("/api", (*PEOPLE, ADMIN)),
    ("/api/v1", (*PEOPLE, ADMIN)),
    ("/apis", (*PEOPLE, ADMIN)),
    ("/apis/apps/v1", (*PEOPLE, ADMIN)),
    ("/openapi/v3", (*PEOPLE, ADMIN)),
    ("/openapi/v3/apis/apps/v1", (*PEOPLE, ADMIN)),
)


@pytest.mark.parametrize(("path", "allowed"), READS)
async def test_who_reads_what(place: Town, path: str, allowed: tuple[str, ...]) -> None:
    """Members read their project, nobody else does; nodes and what there is at all are for everybody signed in."""
    answers = {who: (await place.ask(who, "GET", path))[0] for who in EVERYBODY}
    assert answers == {who: 200 if who in allowed else 403 for who in EVERYBODY}


async def test_who_writes_what(place: Town) -> None:
    """Who may work in a project changes what is in it; its roles are its admins'; the cluster is the platform's."""
    role = {"metadata": {"generateName": "r-"}, "rules": []}
    thing = {"metadata": {"generateName": "c-"}, "data": {"a": "b"}}
    writes: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
        (P1 + "/configmaps", thing, ("operator", "owner", "chief", ADMIN)),
        ("/api/v1/namespaces/default/configmaps", thing, (ADMIN,)),
        ("/apis/rbac.authorization.k8s.io/v1/namespaces/p1/roles", role, ("owner", "chief", ADMIN)),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles", role, (ADMIN,)),
        ("/api/v1/namespaces", {"metadata": {"generateName": "n-"}}, (ADMIN,)),
    )
    for path, body, allowed in writes:
        answers = {who: (await place.ask(who, "POST", path, json=body))[0] for who in EVERYBODY}
        assert answers == {who: 201 if who in allowed else 403 for who in EVERYBODY}, path


async def test_what_passes_is_what_was_sent(place: Town) -> None:
    """A large body, a patch, a conflict, a refusal and a deletion are answered in the cluster's own words."""
    big = {"metadata": {"name": "big"}, "data": {"a": "x" * 500_000}}
    assert (await place.ask("operator", "POST", P1 + "/configmaps", json=big))[0] == 201
    status, body = await place.ask("operator", "POST", P1 + "/configmaps", json=big)
    assert (status, body["reason"]) == (409, "AlreadyExists")
    status, body = await place.ask(
        "operator", "PATCH", P1 + "/configmaps/big", json={"data": {"a": "y"}}, headers=MERGE
    )
    assert (status, body["data"]) == (200, {"a": "y"})
    status, body = await place.ask("operator", "POST", "/apis/apps/v1/namespaces/p1/deployments", json={"metadata": {}})
    assert (status, body["kind"], body["reason"]) == (422, "Status", "Invalid")
    assert (await place.ask("operator", "DELETE", P1 + "/configmaps/big"))[0] == 200
    assert (await place.ask("operator", "GET", P1 + "/configmaps/big"))[1]["details"]["kind"] == "configmaps"
    assert (await place.ask("operator", "GET", "/apis/apps/v1/namespaces/p1/unicorns"))[0] == 404


async def test_a_refusal_is_worded_as_kubernetes_does(place: Town) -> None:
    """User, verb, resource, group and place."""
    status, body = await place.ask("outsider", "DELETE", P1 + "/pods/x")
    assert (status, body["details"]) == (403, {"name": "x", "kind": "pods"})
    sentence = (
        'pods "x" is forbidden: User "outsider" cannot delete resource "pods" in API group "" in the namespace "p1"'
    )
    assert body["message"] == sentence


async def raw(place: Town, head: str) -> tuple[int, bytes]:
    """What the gateway answers to these very bytes: a client library would tidy them."""
    url = URL(place.suite.gateway)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(head.replace("\n", "\r\n").encode())
        answer = await asyncio.wait_for(reader.read(1 << 20), 10)
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1]), answer


TRICKS = (
    "/api/v1/namespaces/p1/../kube-system/secrets",
    "/api/v1/namespaces/p1/%2e%2e/kube-system/secrets",
    "/api/v1/namespaces/p1/.%2E/kube-system/secrets",
    "/api/v1/namespaces/p1%2f..%2fkube-system/secrets",
    "/api/v1/namespaces/p1%2fpods/secrets",
    "/api/v1/namespaces/p1/pods/..%2f..%2fkube-system%2fsecrets",
    "/api/v1/namespaces/p1/pods/%2e%2e%2f%2e%2e%2fkube-system%2fsecrets",
    "/api/v1/namespaces//kube-system/secrets",
    "/api/v1/namespaces/p1//kube-system/secrets",
    "//api/v1/namespaces/kube-system/secrets",
    "/api//v1/namespaces/kube-system/secrets",
    "/./api/v1/namespaces/kube-system/secrets",
    "/api/v1/namespaces/p1;kube-system/secrets",
    "/api/v1/namespaces/p1;/../kube-system/secrets",
    "/api/v1/namespaces/p1\\..\\kube-system/secrets",
    "/api/v1/namespaces/p1/%5c..%5ckube-system/secrets",
    "/api/v1/namespaces/kube-system/secrets%00",
    "/api/v1/namespaces/kube-system%0d%0aX:y/secrets",
    "/api/v1/namespaces/%6b%75be-system/secrets",
    "/api/v1/namespaces/kube%252dsystem/secrets",
    "/api/v1/namespaces/p1/secrets/../../kube-system/secrets?watch=1",
    "/api/v1/workspaces/ws1/namespaces/kube-system/secrets",
    "/api/v1/workspaces/ws1/secrets",
    "/api/v1/devops/p1/secrets",
    "/api/v1/watch/namespaces/kube-system/secrets",
    "/api/v1/proxy/namespaces/kube-system/services/x",
    "/api/v1/secrets?fieldSelector=metadata.namespace=p1",
    "/api/v1/secrets?labelSelector=kubesphere.io/workspace=ws1",
    "/api/v1/watch/secrets?labelSelector=kubesphere.io/workspace=ws1,x&labelSelector=",
    "/api/clusters/host/v1/namespaces/kube-system/secrets",
    "/apis/clusters/x/../../api/v1/namespaces/kube-system/secrets",
    "/kapis/../api/v1/namespaces/kube-system/secrets",
    "/API/v1/namespaces/kube-system/secrets",
    "/kapi/v1/namespaces/kube-system/secrets",
    "/oauth/../api/v1/namespaces/kube-system/secrets",
    "/oauth/%2e%2e/api/v1/namespaces/kube-system/secrets",
    "/healthz/../api/v1/namespaces/kube-system/secrets",
    "/openapi/v3/../../api/v1/namespaces/kube-system/secrets",
    "/version/../api/v1/namespaces/kube-system/secrets",
    "/api/v1?x=/namespaces/kube-system/secrets#/../secrets",
)


@pytest.mark.parametrize("path", TRICKS)
@pytest.mark.parametrize("who", ["", "chief"])
async def test_no_path_is_read_in_two_ways(place: Town, who: str, path: str) -> None:
    """However another namespace's path is disguised: refused, never passed on, and never our own mistake."""
    authorization = "".join(f"{name}: {value}\n" for name, value in place.headers(who).items())
    status, answer = await raw(place, f"GET {path} HTTP/1.1\nHost: a\n{authorization}Connection: close\n\n")
    assert status in (400, 403, 404), answer[:300]
    assert b'"SecretList"' not in answer


@pytest.mark.parametrize(
    "name", ["Impersonate-User", "impersonate-group", "Impersonate-Extra-scopes", "Impersonate-Uid"]
)
async def test_nobody_speaks_for_somebody_else(place: Town, name: str) -> None:
    """Not even an administrator: who asks to be taken for another is not answered as himself."""
    for who in ("viewer", ADMIN):
        status, body = await place.ask(who, "GET", P1 + "/pods", headers={name: "system:masters"})
        assert (status, body["reason"]) == (403, "Forbidden")


@pytest.mark.parametrize(
    "header",
    [
        {"X-Remote-User": "admin", "X-Remote-Group": "system:masters"},
        {"Orrery-Identity": "x.y"},
        {"X-HTTP-Method-Override": "GET"},
        {"Connection": "Authorization"},
    ],
    ids=str,
)
async def test_no_header_makes_another_of_the_caller(place: Town, header: dict[str, str]) -> None:
    """What other servers would believe counts for nothing."""
    assert (await place.ask("viewer", "GET", "/api/v1/namespaces/default/pods", headers=header))[0] == 403
    assert (await place.ask("viewer", "POST", P1 + "/configmaps", json={}, headers=header))[0] == 403


async def test_bodies_are_bounded(place: Town) -> None:
    """Three MiB, as in every cluster: more is refused by its length, or as it comes."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65536

    for body in (io.BytesIO(b" " * (4 << 20)), pieces()):
        status, answer = await place.ask("operator", "POST", P1 + "/configmaps", data=body)
        assert (status, answer["reason"]) == (413, "RequestEntityTooLarge")
    assert (await place.ask("owner", "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/p1/roles", data=pieces()))[
        0
    ] == 413


@pytest.mark.parametrize("upgrade", ["SPDY/3.1", "h2c", "tcp"])
async def test_only_websockets_are_passed_on(place: Town, upgrade: str) -> None:
    """Any other protocol on the connection is refused before the cluster sees it."""
    head = f"GET {P1}/pods/x/exec?command=ls HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: {upgrade}\n"
    status, answer = await raw(place, f"{head}Authorization: {place.headers('owner')['Authorization']}\n\n")
    assert status == 415, answer


async def test_who_only_reads_does_not_act_in_a_pod(place: Town) -> None:
    """A WebSocket begins with GET, which a viewer may: exec, attach and portforward are decided as what they are."""
    for part in ("exec", "attach", "portforward"):
        path = f"{P1}/pods/x/{part}"
        answers = [(await place.ask(who, "GET", path))[0] for who in ("viewer", "outsider", "")]
        assert answers == [403, 403, 403]
        assert (await place.ask("operator", "GET", path))[0] not in (200, 403)


async def test_what_one_may_is_what_one_is_told(place: Town) -> None:
    """`kubectl auth can-i` agrees with what requests are answered, for everybody."""
    asked = (
        ("list", "", "pods", "p1", P1 + "/pods"),
        ("list", "", "secrets", "kube-system", "/api/v1/namespaces/kube-system/secrets"),
        ("list", "", "nodes", "", "/api/v1/nodes"),
        ("list", "", "pods", "", "/api/v1/pods"),
        ("list", "iam.kubesphere.io", "globalroles", "", "/apis/iam.kubesphere.io/v1alpha2/globalroles"),
    )
    for who in (*PEOPLE, ADMIN):
        for verb, group, resource, namespace, path in asked:
            spec = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
            said = await place.done(who, "POST", REVIEW, json=review({"resourceAttributes": spec}))
            assert said["status"]["allowed"] is ((await place.ask(who, "GET", path))[0] == 200), (who, spec)
        for path in ("/version", "/apis", "/readyz", "/kapis/version", "/metrics"):
            about = {"nonResourceAttributes": {"verb": "get", "path": path}}
            said = await place.done(who, "POST", REVIEW, json=review(about))
            assert said["status"]["allowed"] is (who == ADMIN or path in ("/version", "/apis", "/kapis/version"))
    assert (await place.ask("", "POST", REVIEW, json=review({})))[0] == 403
    status, body = await place.ask("viewer", "POST", REVIEW, json={"spec": 1})
    assert (status, body["reason"]) == (422, "Invalid")


def review(spec: dict[str, Any]) -> dict[str, Any]:
    """A question about oneself."""
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}


async def test_what_kubectl_asks_is_read(place: Town) -> None:
    """It asks in protobuf, and takes JSON for an answer."""
    names, spec = (
        b"\x0a\x17authorization.k8s.io/v1\x12\x17SelfSubjectAccessReview",
        b"\x0a\x02p1\x12\x06create\x2a\x04pods",
    )
    inner = b"\x12" + bytes([len(spec) + 2]) + b"\x0a" + bytes([len(spec)]) + spec
    body = b"k8s\x00\x0a" + bytes([len(names)]) + names + b"\x12" + bytes([len(inner)]) + inner
    for who, allowed in (("owner", True), ("viewer", False)):
        headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}
        said = await place.done(who, "POST", REVIEW, data=body, headers=headers)
        assert (said["kind"], said["status"]["allowed"]) == ("SelfSubjectAccessReview", allowed)
    assert (await place.ask("owner", "POST", REVIEW, data=body[:20], headers=headers))[0] == 400


async def test_ones_rules_and_oneself(place: Town) -> None:
    """The rules of a namespace hold what the role there says, marked as incomplete where a policy says more."""
    rules = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": "p1"}}
    found = (await place.done("owner", "POST", rules, json=body))["status"]
    assert {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]} in found["resourceRules"]
    assert found["incomplete"] is True
    found = (await place.done("outsider", "POST", rules, json=body))["status"]
    assert {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]} not in found["resourceRules"]
    oneself = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    info = (await place.done("owner", "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", json=oneself))[
        "status"
    ]
    assert info == {"userInfo": {"username": "owner", "groups": ["system:authenticated"]}}


async def test_discovery_lists_the_cluster_and_the_services(place: Town) -> None:
    """Plain and aggregated; each group's own pages come from whose it is."""
    plain = await place.done("viewer", "GET", "/apis")
    names = {group["name"] for group in plain["groups"]}
    assert {"apps", "rbac.authorization.k8s.io", "authorization.k8s.io", "iam.kubesphere.io"} <= names
    wanted = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    whole = await place.done("viewer", "GET", "/apis", headers=wanted)
    assert {item["metadata"]["name"] for item in whole["items"]} == names
    core = await place.done("viewer", "GET", "/api", headers=wanted)
    assert [item["versions"][0]["version"] for item in core["items"]] == ["v1"]
    for path in ("/apis/iam.kubesphere.io/v1alpha2", "/apis/authorization.k8s.io/v1"):
        assert (await place.done("viewer", "GET", path))["kind"] == "APIResourceList"
