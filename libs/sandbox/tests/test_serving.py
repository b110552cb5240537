"""The API server by HTTP: who gets in, what there is, objects and their pages, refusals as Status."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from libs.sandbox.tests.served import CONFIGS, DEPLOYMENTS, config, deployment, served
from libs.shared.errors import Denied, Exists, Invalid, Missing, Stale

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


async def test_token_and_files(tmp_path: Path) -> None:
    """Without the token nobody gets in; token and kubeconfig are private, and the token stays over a restart."""
    async with served(tmp_path) as stage:
        for header in ("", "Bearer wrong", f"Basic {stage.sandbox.token}", "Bearer"):
            answer = await stage.ask("GET", CONFIGS, Authorization=header)
            assert (answer.status, answer.body["reason"]) == (401, "Unauthorized"), header
        assert (await stage.ask("GET", "/readyz", Authorization="")).raw == b"ok"
        for name in ("token", "kubeconfig"):
            assert (tmp_path / "sandbox" / name).stat().st_mode & 0o777 == 0o600
        first = stage.sandbox.token
        assert first not in repr(stage.sandbox)
    async with served(tmp_path) as stage:
        assert stage.sandbox.token == first


async def test_version_says_sandbox(tmp_path: Path) -> None:
    """/version names a Kubernetes version, and that this is a sandbox."""
    async with served(tmp_path) as stage:
        version = (await stage.ask("GET", "/version")).body
        assert version["gitVersion"].startswith("v1.")
        assert "sandbox" in version["gitVersion"]
        assert "/apis/apps/v1" in (await stage.ask("GET", "/")).body["paths"]


async def test_discovery(tmp_path: Path) -> None:
    """Every group and resource is found by the plain and by the aggregated form, with the same resources."""
    async with served(tmp_path) as stage:
        groups = (await stage.ask("GET", "/apis")).body["groups"]
        plain = set()
        for place in ["/api/v1", *(f"/apis/{v['groupVersion']}" for g in groups for v in g["versions"])]:
            listed = (await stage.ask("GET", place)).body
            plain |= {(listed["groupVersion"], r["name"]) for r in listed["resources"] if "/" not in r["name"]}
        whole = set()
        for place in ("/api", "/apis"):
            answer = await stage.ask("GET", place, Accept=AGGREGATED)
            assert "as=APIGroupDiscoveryList" in answer.headers["Content-Type"]
            for item in answer.body["items"]:
                name = item["metadata"].get("name", "")
                for version in item["versions"]:
                    group = f"{name}/{version['version']}" if name else version["version"]
                    whole |= {(group, row["resource"]) for row in version["resources"]}
        assert plain == whole
        assert {
            ("apps/v1", "deployments"),
            ("v1", "pods"),
            ("networking.istio.io/v1alpha3", "virtualservices"),
        } <= whole
        assert ("gateway.networking.k8s.io/v1", "httproutes") in whole
        assert (await stage.ask("GET", "/apis/none.example/v1")).status == 404


async def test_objects_by_the_client(tmp_path: Path) -> None:
    """Made, read, replaced, patched and deleted through the client, with its errors."""
    async with served(tmp_path) as stage:
        kube = stage.kube
        made = await kube.create(CONFIGS, config(x="1"))
        assert (made["kind"], made["metadata"]["namespace"]) == ("ConfigMap", "default")
        assert await kube.get(f"{CONFIGS}/a") == made
        with pytest.raises(Exists, match='configmaps "a" already exists'):
            await kube.create(CONFIGS, config())
        put = await kube.replace(f"{CONFIGS}/a", {**made, "data": {"x": "2"}})
        assert put["metadata"]["uid"] == made["metadata"]["uid"]
        with pytest.raises(Stale):
            await kube.replace(f"{CONFIGS}/a", {**made, "data": {"x": "3"}})
        merged = await kube.patch(f"{CONFIGS}/a", {"data": {"y": "4"}})
        assert merged["data"] == {"x": "2", "y": "4"}
        patched = await kube.patch(f"{CONFIGS}/a", [{"op": "remove", "path": "/data/x"}], kind="json")
        assert patched["data"] == {"y": "4"}
        await kube.delete(f"{CONFIGS}/a")
        with pytest.raises(Missing, match='configmaps "a" not found'):
            await kube.get(f"{CONFIGS}/a")
        with pytest.raises(Missing, match='namespaces "nowhere" not found'):
            await kube.create("/api/v1/namespaces/nowhere/configmaps", config())


async def test_lists_choose_and_page(tmp_path: Path) -> None:
    """Labels and fields choose; pages follow each other and say how much is left; a foreign token is refused."""
    async with served(tmp_path) as stage:
        for number in range(7):
            await stage.kube.create(CONFIGS, config(f"c{number}", {"odd": str(number % 2)}))
        names = [item["metadata"]["name"] async for item in stage.kube.pages(CONFIGS, limit=3)]
        assert names == [f"c{number}" for number in range(7)]
        page = await stage.kube.get(CONFIGS, limit=3)
        assert page["metadata"]["remainingItemCount"] == 4
        odd = await stage.kube.get("/api/v1/configmaps", labelSelector="odd in (1)", fieldSelector="metadata.name!=c1")
        assert [item["metadata"]["name"] for item in odd["items"]] == ["c3", "c5"]
        for query in ("continue=bm8", "labelSelector=a%3D%3D%3Db", "fieldSelector=data.x%3D1", "limit=-1"):
            answer = await stage.ask("GET", f"{CONFIGS}?{query}")
            assert (answer.status, answer.body["reason"]) == (400, "BadRequest"), query


async def test_impersonation(tmp_path: Path) -> None:
    """Whom the administrator speaks for may do what the world's authorizer says, and is refused in its words."""
    async with served(tmp_path) as stage:
        looker = stage.kube.as_user("looker", ["readers"])
        await stage.kube.create(CONFIGS, config())
        assert (await looker.get(f"{CONFIGS}/a"))["metadata"]["name"] == "a"
        with pytest.raises(Denied) as refused:
            await looker.delete(f"{CONFIGS}/a")
        assert refused.value.text == (
            'configmaps "a" is forbidden: User "looker" cannot delete resource "configmaps" in API group "" in the '
            'namespace "default"'
        )
        masters = stage.kube.as_user("anyone", ["system:masters"])
        await masters.delete(f"{CONFIGS}/a")
        review = {"spec": {"resourceAttributes": {"verb": "list", "resource": "pods", "namespace": "default"}}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        assert (await stage.kube.create(path, review))["status"]["allowed"] is True
        answer = await stage.ask("POST", path, review, Impersonate_User="stranger")
        assert answer.status == 403


async def test_wrong_requests(tmp_path: Path) -> None:
    """Each wrong request has its own refusal, a Status, and changes nothing."""
    async with served(tmp_path) as stage:
        cases: tuple[tuple[str, str, Any, str, int], ...] = (
            ("POST", CONFIGS, b"{", "application/json", 400),
            ("POST", CONFIGS, b"[]", "application/json", 400),
            ("POST", CONFIGS, b"<a/>", "application/xml", 415),
            ("POST", CONFIGS, b"metadata: &x {name: a}\ndata: *x\n", "application/yaml", 400),
            ("POST", CONFIGS, b"a: 1\n---\nb: 2\n", "application/yaml", 400),
            ("POST", CONFIGS, {**config(), "kind": "Secret"}, "application/json", 400),
            ("POST", CONFIGS, {**config(), "apiVersion": "v2"}, "application/json", 400),
            ("POST", CONFIGS, {"metadata": {"name": "a", "namespace": "work"}}, "application/json", 400),
            ("POST", CONFIGS, {"metadata": {}}, "application/json", 422),
            ("POST", CONFIGS, config("Big_Name"), "application/json", 422),
            ("POST", CONFIGS, {"metadata": "x"}, "application/json", 400),
            (
                "POST",
                CONFIGS,
                b'{"metadata":{"name":"a"},"data":{"x":"' + b"y" * (4 << 20) + b'"}}',
                "application/json",
                413,
            ),
            ("POST", f"{CONFIGS}?dryRun=Some", config(), "application/json", 422),
            ("PATCH", f"{CONFIGS}/a", {}, "application/merge-patch+json", 404),
            ("PATCH", f"{CONFIGS}/a", {}, "text/plain", 415),
            ("PUT", CONFIGS, config(), "application/json", 405),
            ("POST", f"{CONFIGS}/a", config(), "application/json", 405),
            ("GET", "/api/v1/namespaces/default/nothings", None, "", 404),
            ("GET", f"{CONFIGS}/a/status", None, "", 404),
            ("POST", DEPLOYMENTS, {"metadata": {"name": "x"}, "spec": {}}, "application/json", 422),
        )
        before = stage.objects.revision
        for method, path, body, media, status in cases:
            answer = await stage.ask(method, path, body, media)
            assert answer.status == status, (method, path, answer.raw)
            assert answer.body["kind"] == "Status", (method, path)
            assert answer.body["code"] == status
            assert answer.body["message"], (method, path)
        assert stage.objects.revision == before


async def test_dry_run_keeps_nothing(tmp_path: Path) -> None:
    """`dryRun=All` answers as the write would and leaves everything as it is."""
    async with served(tmp_path) as stage:
        made = await stage.kube.create(CONFIGS, config(x="1"), dryRun="All")
        assert made["metadata"]["uid"]
        with pytest.raises(Missing):
            await stage.kube.get(f"{CONFIGS}/a")


async def test_watch_by_the_client(tmp_path: Path) -> None:
    """What stands, SYNCED, then each change as one who chose by label sees it."""
    async with served(tmp_path) as stage:
        await stage.kube.create(CONFIGS, config("old", {"app": "x"}))
        await stage.kube.create(CONFIGS, config("other"))
        seen = []
        watch = stage.kube.watch(CONFIGS, labelSelector="app=x")
        async for change in watch:
            seen.append((change.type, change.object["metadata"]["name"] if change.object else ""))
            match len(seen):
                case 2:
                    await stage.kube.create(CONFIGS, config("new", {"app": "x"}))
                    await stage.kube.patch(f"{CONFIGS}/new", {"data": {"a": "b"}})
                    await stage.kube.patch(f"{CONFIGS}/other", {"metadata": {"labels": {"app": "x"}}})
                    await stage.kube.patch(f"{CONFIGS}/old", {"metadata": {"labels": {"app": None}}})
                    await stage.kube.delete(f"{CONFIGS}/new")
                case 7:
                    break
        await watch.aclose()
        assert seen == [
            ("ADDED", "old"),
            ("SYNCED", ""),
            ("ADDED", "new"),
            ("MODIFIED", "new"),
            ("ADDED", "other"),
            ("DELETED", "old"),
            ("DELETED", "new"),
        ]


async def test_a_deployment_is_filled_and_counted(tmp_path: Path) -> None:
    """Defaults are filled in, a change of spec alone counts the generation, and scale has its own path."""
    async with served(tmp_path) as stage:
        made = await stage.kube.create(DEPLOYMENTS, deployment())
        assert made["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}
        assert made["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"
        one = f"{DEPLOYMENTS}/web"
        told = await stage.kube.patch(f"{one}/status", {"status": {"replicas": 2}, "spec": {"replicas": 9}})
        assert (told["metadata"]["generation"], told["spec"]["replicas"], told["status"]) == (1, 2, {"replicas": 2})
        scale = await stage.kube.get(f"{one}/scale")
        assert (scale["spec"]["replicas"], scale["status"]["selector"]) == (2, "app=web")
        await stage.kube.patch(f"{one}/scale", {"spec": {"replicas": 5}})
        now = await stage.kube.get(one)
        assert (now["metadata"]["generation"], now["spec"]["replicas"], now["status"]["replicas"]) == (2, 5, 2)
        with pytest.raises(Invalid, match="field is immutable"):
            await stage.kube.patch(one, {"spec": {"selector": {"matchLabels": {"app": "x"}}}})


async def test_a_kind_of_ones_own(tmp_path: Path) -> None:
    """A CustomResourceDefinition is served as soon as it is made, and with its objects gone when it is deleted."""
    crd = {
        "metadata": {"name": "boats.sea.example"},
        "spec": {
            "group": "sea.example",
            "scope": "Namespaced",
            "names": {"kind": "Boat", "plural": "boats"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    }
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    boats = "/apis/sea.example/v1/namespaces/default/boats"
    async with served(tmp_path) as stage:
        with pytest.raises(Missing):
            await stage.kube.get(boats)
        await stage.kube.create(crds, crd)
        stands = await stage.kube.get(f"{crds}/boats.sea.example")
        assert {(c["type"], c["status"]) for c in stands["status"]["conditions"]} >= {("Established", "True")}
        await stage.kube.create(boats, {"apiVersion": "sea.example/v1", "kind": "Boat", "metadata": {"name": "b"}})
        assert len((await stage.kube.get(boats))["items"]) == 1
    async with served(tmp_path) as stage:
        assert len((await stage.kube.get(boats))["items"]) == 1
        await stage.kube.delete(f"{crds}/boats.sea.example")
        with pytest.raises(Missing):
            await stage.kube.get(boats)


async def test_old_versions_are_gone(tmp_path: Path) -> None:
    """A watch from a version before a restart is told 410 in the stream, and the client lists again by itself."""
    async with served(tmp_path) as stage:
        old = (await stage.kube.create(CONFIGS, config()))["metadata"]["resourceVersion"]
    async with served(tmp_path) as stage:
        answer = await stage.ask("GET", f"{CONFIGS}?watch=1&resourceVersion={old}&timeoutSeconds=1")
        assert answer.body["type"] == "ERROR"
        assert (answer.body["object"]["code"], answer.body["object"]["reason"]) == (410, "Expired")


async def test_initial_events_end_with_a_bookmark(tmp_path: Path) -> None:
    """`sendInitialEvents` gives what stands, then a bookmark that says so; without its match it is refused."""
    async with served(tmp_path) as stage:
        await stage.kube.create(CONFIGS, config())
        options = "watch=1&allowWatchBookmarks=1&timeoutSeconds=1&sendInitialEvents=true"
        answer = await stage.ask("GET", f"{CONFIGS}?{options}&resourceVersionMatch=NotOlderThan")
        first, last = [orjson.loads(line) for line in answer.raw.splitlines()]
        assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "a")
        assert last["type"] == "BOOKMARK"
        assert last["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert int(last["object"]["metadata"]["resourceVersion"]) >= int(first["object"]["metadata"]["resourceVersion"])
        assert (await stage.ask("GET", f"{CONFIGS}?{options}")).status == 422
