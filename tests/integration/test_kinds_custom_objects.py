"""Accounts' kinds through the gateway, asked by `kubernetes_asyncio` as any cluster's custom objects are."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from kubernetes_asyncio import watch
from kubernetes_asyncio.client import ApiClient, ApiException, ApisApi, Configuration, CustomObjectsApi

from libs.shared.testing.host import Running
from tests.suite import running

pytestmark = pytest.mark.asyncio(loop_scope="module")

IAM = ("iam.kubesphere.io", "v1alpha2")
TENANT = ("tenant.kubesphere.io", "v1alpha2")
USERS = "/apis/iam.kubesphere.io/v1alpha2/users"
ADMIN, FIRST, SECOND = "P@88w0rd", "Passw0rd-1", "Passw0rd-2"
UNINITIALIZED = "iam.kubesphere.io/uninitialized"
SOON = 10


@dataclass(frozen=True)
class Client:
    """Somebody who is signed in, with a Kubernetes client and a plain one."""

    api: ApiClient
    objects: CustomObjectsApi
    token: str
    gateway: str

    async def raw(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of a request by hand."""
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers}
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.gateway + path, data=data, headers=sent) as answer,
        ):
            return answer.status, await answer.json(content_type=None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def suite() -> AsyncIterator[Running]:
    async with running(admin_password=ADMIN) as stands:
        yield stands


async def sign_in(gateway: str, name: str, password: str) -> tuple[int, Mapping[str, Any]]:
    fields = {
        "grant_type": "password",
        "username": name,
        "password": password,
        "client_id": "kubesphere",
        "client_secret": "kubesphere",
    }
    async with aiohttp.ClientSession() as session, session.post(f"{gateway}/oauth/token", data=fields) as answer:
        return answer.status, await answer.json(content_type=None)


@asynccontextmanager
async def signed_in(suite: Running, name: str, password: str) -> AsyncIterator[Client]:
    status, tokens = await sign_in(suite.gateway, name, password)
    assert status == 200, tokens
    configuration = Configuration(host=suite.gateway)
    configuration.api_key["BearerToken"] = f"Bearer {tokens['access_token']}"
    async with ApiClient(configuration) as api:
        yield Client(api, CustomObjectsApi(api), tokens["access_token"], suite.gateway)


@pytest_asyncio.fixture(loop_scope="module")
async def admin(suite: Running) -> AsyncIterator[Client]:
    async with signed_in(suite, "admin", ADMIN) as client:
        yield client


def user(name: str, *, labels: Mapping[str, str] | None = None, **annotations: str) -> dict[str, Any]:
    return {
        "apiVersion": "/".join(IAM),
        "kind": "User",
        "metadata": {"name": name, "labels": dict(labels or {}), "annotations": annotations},
        "spec": {"email": f"{name}@example.com", "password": FIRST},
    }


async def made(client: Client, name: str, **about: Any) -> dict[str, Any]:
    thing = await client.objects.create_cluster_custom_object(*IAM, "users", user(name, **about))
    return dict(thing)


async def test_an_object_lives_and_dies(admin: Client) -> None:
    """Create, get, list, replace, delete: what is written is read, a stale replacement is 409, what is gone is 404."""
    thing = await made(admin, "life")
    assert thing["metadata"]["uid"]
    assert thing["spec"] == {"email": "life@example.com"}
    assert await admin.objects.get_cluster_custom_object(*IAM, "users", "life") == thing
    everyone = await admin.objects.list_cluster_custom_object(*IAM, "users")
    assert everyone["kind"] == "UserList"
    assert {"admin", "life"} <= {item["metadata"]["name"] for item in everyone["items"]}
    changed = {**thing, "spec": {**thing["spec"], "description": "changed"}}
    after = await admin.objects.replace_cluster_custom_object(*IAM, "users", "life", changed)
    assert after["spec"]["description"] == "changed"
    with pytest.raises(ApiException) as stale:
        await admin.objects.replace_cluster_custom_object(*IAM, "users", "life", changed)
    assert stale.value.status == 409
    said = json.loads(stale.value.body)
    assert said["reason"] == "Conflict"
    assert said["message"] == (
        'Operation cannot be fulfilled on users.iam.kubesphere.io "life": the object has been modified; please apply'
        " your changes to the latest version and try again"
    )
    await admin.objects.delete_cluster_custom_object(*IAM, "users", "life")
    with pytest.raises(ApiException) as gone:
        await admin.objects.get_cluster_custom_object(*IAM, "users", "life")
    assert gone.value.status == 404
    assert json.loads(gone.value.body)["message"] == 'users.iam.kubesphere.io "life" not found'


async def test_patches_of_both_kinds(admin: Client) -> None:
    """A JSON patch and a merge patch change what they name; the other kinds are 415 and say what is accepted."""
    await made(admin, "patched")
    change = [{"op": "add", "path": "/spec/lang", "value": "en"}]
    after = await admin.objects.patch_cluster_custom_object(
        *IAM, "users", "patched", change, _content_type="application/json-patch+json"
    )
    assert after["spec"]["lang"] == "en"
    after = await admin.objects.patch_cluster_custom_object(
        *IAM,
        "users",
        "patched",
        {"metadata": {"labels": {"team": "red"}}, "spec": {"lang": None}},
        _content_type="application/merge-patch+json",
    )
    assert after["metadata"]["labels"] == {"team": "red"}
    assert "lang" not in after["spec"]
    status, said = await admin.raw(
        "PATCH", f"{USERS}/patched", {}, **{"Content-Type": "application/strategic-merge-patch+json"}
    )
    assert status == 415
    assert "application/json-patch+json, application/merge-patch+json" in said["message"]


async def test_selectors(admin: Client) -> None:
    """Label and field selectors choose; one that doesn't parse and a field that isn't declared are 400."""
    await made(admin, "chosen-a", labels={"group": "chosen", "tier": "one"})
    await made(admin, "chosen-b", labels={"group": "chosen"})

    async def names(**asked: Any) -> list[str]:
        found = await admin.objects.list_cluster_custom_object(*IAM, "users", **asked)
        return [item["metadata"]["name"] for item in found["items"]]

    assert await names(label_selector="group=chosen") == ["chosen-a", "chosen-b"]
    assert await names(label_selector="group in (chosen),!tier") == ["chosen-b"]
    assert await names(field_selector="metadata.name=chosen-a") == ["chosen-a"]
    assert await names(label_selector="group=chosen", field_selector="spec.email!=chosen-a@example.com") == ["chosen-b"]
    for wrong in ({"label_selector": "!!!"}, {"field_selector": "spec.password=x"}):
        with pytest.raises(ApiException) as refused:
            await names(**wrong)
        assert (refused.value.status, json.loads(refused.value.body)["reason"]) == (400, "BadRequest")


async def test_a_watch_tells_what_happens_after_a_list(admin: Client) -> None:
    """From a list's resourceVersion: made, changed and removed objects are told in order, and nothing before them."""
    start = (await admin.objects.list_cluster_custom_object(*IAM, "users"))["metadata"]["resourceVersion"]
    told: list[tuple[str, str]] = []

    async def follow() -> None:
        async with watch.Watch() as stream:
            async for event in stream.stream(
                admin.objects.list_cluster_custom_object, *IAM, "users", resource_version=start, timeout_seconds=30
            ):
                told.append((event["type"], event["object"]["metadata"]["name"]))
                if event["type"] == "DELETED":
                    return

    following = asyncio.create_task(follow())
    await made(admin, "told")
    await admin.objects.patch_cluster_custom_object(
        *IAM, "users", "told", {"spec": {"lang": "en"}}, _content_type="application/merge-patch+json"
    )
    await admin.objects.delete_cluster_custom_object(*IAM, "users", "told")
    await asyncio.wait_for(following, SOON)
    assert told[0] == ("ADDED", "told")
    assert told[-1] == ("DELETED", "told")
    assert set(told[1:-1]) == {("MODIFIED", "told")}


async def test_the_consoles_watch(admin: Client) -> None:
    """A WebSocket on the old path: what stands comes first, each frame is one event of a typed object."""
    headers = {"Authorization": f"Bearer {admin.token}"}
    url = f"{admin.gateway}/apis/iam.kubesphere.io/v1alpha2/watch/users"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as socket:
        first = await socket.receive_json(timeout=SOON)
        assert (first["type"], first["object"]["kind"]) == ("ADDED", "User")
        await made(admin, "framed")
        while (event := await socket.receive_json(timeout=SOON))["object"]["metadata"]["name"] != "framed":
            assert event["type"] in ("ADDED", "MODIFIED")


async def test_the_first_sign_in_of_the_console(suite: Running, admin: Client) -> None:
    """A new user signs in, and one JSON patch of himself removes the mark and sets his password: the old one is then
    refused, the new one taken, and neither is in any answer.
    """
    await made(admin, "fresh", **{UNINITIALIZED: "true"})
    async with signed_in(suite, "fresh", FIRST) as fresh:
        change = [
            {"op": "remove", "path": "/metadata/annotations/iam.kubesphere.io~1uninitialized"},
            {"op": "replace", "path": "/spec/password", "value": SECOND},
        ]
        after = await fresh.objects.patch_cluster_custom_object(
            *IAM, "users", "fresh", change, _content_type="application/json-patch+json"
        )
    assert UNINITIALIZED not in after["metadata"].get("annotations", {})
    assert SECOND not in json.dumps(after)
    assert "password" not in after["spec"]
    assert (await sign_in(suite.gateway, "fresh", FIRST))[0] == 400
    assert (await sign_in(suite.gateway, "fresh", SECOND))[0] == 200


async def test_a_password_can_not_be_guessed_by_patches(admin: Client) -> None:
    """Testing or copying the write-only field is 422 and changes nothing."""
    before = await made(admin, "guessed")
    for operation in (
        {"op": "test", "path": "/spec/password", "value": FIRST},
        {"op": "copy", "from": "/spec/password", "path": "/spec/description"},
    ):
        with pytest.raises(ApiException) as refused:
            await admin.objects.patch_cluster_custom_object(
                *IAM, "users", "guessed", [operation], _content_type="application/json-patch+json"
            )
        assert refused.value.status == 422
    assert await admin.objects.get_cluster_custom_object(*IAM, "users", "guessed") == before


async def test_workspace_templates(admin: Client) -> None:
    """The tenant group works alike: a workspace made as an object has its roles when the answer arrives."""
    body = {
        "apiVersion": "/".join(TENANT),
        "kind": "WorkspaceTemplate",
        "metadata": {"name": "w1"},
        "spec": {"template": {"spec": {"manager": "admin"}}},
    }
    thing = await admin.objects.create_cluster_custom_object(*TENANT, "workspacetemplates", body)
    assert thing["kind"] == "WorkspaceTemplate"
    roles = await admin.objects.list_cluster_custom_object(*IAM, "workspaceroles")
    assert "w1-admin" in {item["metadata"]["name"] for item in roles["items"]}
    await admin.objects.delete_cluster_custom_object(*TENANT, "workspacetemplates", "w1")


async def test_discovery(admin: Client) -> None:
    """`/apis`, a group and its resources tell of the kinds, with the verbs that are really served."""
    groups = {group.name: group for group in (await ApisApi(admin.api).get_api_versions()).groups}
    assert {"iam.kubesphere.io", "tenant.kubesphere.io"} <= set(groups)
    assert groups["iam.kubesphere.io"].preferred_version.group_version == "iam.kubesphere.io/v1alpha2"
    resources = (await admin.objects.get_api_resources(*IAM)).resources
    users = next(resource for resource in resources if resource.name == "users")
    assert (users.kind, users.namespaced, users.singular_name) == ("User", False, "user")
    assert set(users.verbs) == {"create", "delete", "get", "list", "patch", "update", "watch"}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{oops", 400),
        (b'{"metadata": {"name": "x", "name": "y"}}', 400),
        (b'{"metadata": {"name": "\xff"}}', 400),
        (b"[" * (64 << 10), 400),
        (b'{"x": "' + b"y" * (10 << 20) + b'"}', 413),
        (b'{"kind": "Group", "metadata": {"name": "x"}}', 400),
        (b'{"metadata": {"name": "Bad_Name"}, "spec": {"email": "x@example.com"}}', 422),
    ],
)
async def test_bad_bodies(admin: Client, raw: bytes, code: int) -> None:
    """Each is refused with a Status in Kubernetes' form, and no user is made."""
    before = len((await admin.objects.list_cluster_custom_object(*IAM, "users"))["items"])
    status, said = await admin.raw("POST", USERS, raw)
    assert (status, said["kind"], said["code"]) == (code, "Status", code)
    assert len((await admin.objects.list_cluster_custom_object(*IAM, "users"))["items"]) == before
