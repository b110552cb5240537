"""The app store through the gateway, role by role; a release from a repository into the cluster; and kill -9."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from services.openpitrix.tests.charts import NOTED, Shelf, chart, meta, shelf, web_chart
from services.openpitrix.tests.test_templates import packed
from tests.faults.process import PASSWORD, Suite
from tests.integration.forwarded import ADMIN, TENANT, Town, town

pytestmark = pytest.mark.asyncio(loop_scope="module")
V1 = "/kapis/openpitrix.io/v1"
WS1, WS2 = f"{V1}/workspaces/ws1", f"{V1}/workspaces/ws2"
HERE = f"{WS1}/namespaces/p1/applications"
BY_CLUSTER = f"{WS1}/clusters/default/namespaces/p1/applications"
NOBODY = ""
EVERYONE = (NOBODY, "outsider", "viewer", "operator", "owner", "chief", "clerk", ADMIN)
SIGNED_IN = EVERYONE[1:]
MEMBERS = ("viewer", "operator", "owner", "chief", ADMIN)
WRITERS = ("operator", "owner", "chief", ADMIN)
CHIEFS = ("chief", ADMIN)
STRAY = NOTED.replace("metadata:", "metadata:\n  namespace: default")


@dataclass
class Market:
    """The town, a repository of charts, and what stands in the store."""

    town: Town
    charts: Shelf
    ids: dict[str, str] = field(default_factory=dict)

    async def until(self, who: str, path: str, holds: Callable[[Any], Any]) -> Any:
        """Ask until the answer holds."""
        async with asyncio.timeout(40):
            while True:
                status, answer = await self.town.ask(who, "GET", path)
                if status == 200 and holds(answer):
                    return answer
                await asyncio.sleep(0.05)

    async def version(self, who: str, repo: str, name: str) -> dict[str, str]:
        """`app_id` and `version_id` of the oldest version of a chart."""
        apps = (await self.until(who, f"{V1}/apps?conditions=repo_id={repo}&limit=-1", lambda a: a["items"]))["items"]
        app = next(one["app_id"] for one in apps if one["name"] == name)
        versions = await self.town.done(who, "GET", f"{V1}/apps/{app}/versions")
        return {"app_id": app, "version_id": versions["items"][0]["version_id"]}

    async def released(self, who: str, name: str, **wish: str) -> Any:
        """Ask for a release, and wait until nothing more is done about it."""
        await self.town.done(who, "POST", HERE, json={"name": name, **wish})
        settled = ("active", "failed")
        found = await self.until(
            who,
            f"{HERE}?conditions=keyword={name}",
            lambda a: a["items"] and a["items"][0]["cluster"]["status"] in settled,
        )
        return found["items"][0]["cluster"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def market() -> AsyncIterator[Market]:
    """A repository of ws1, one of ws2, one for all; an uploaded app of ws1; a release in p1."""
    async with shelf() as charts, town("openpitrix", "events", egress_allow="127.0.0.1") as made:
        stray = (meta("stray"), chart("stray", template=STRAY))
        charts.put(web_chart("1.0.0", appVersion="1.25"), web_chart("1.2.0"), stray)
        here = Market(made, charts)
        for key, who, at in (("own", "chief", WS1), ("other", "clerk", WS2), ("all", ADMIN, V1)):
            body = {"name": "charts", "url": charts.url}
            here.ids[key] = (await made.done(who, "POST", f"{at}/repos", json=body))["repo_id"]
        upload = {"name": "Shelf", "version_package": packed(chart("anchor", "3.0.0"))}
        here.ids |= await made.done("chief", "POST", f"{WS1}/apps", json=upload)
        project = {"metadata": {"name": "p2", "labels": {"kubesphere.io/workspace": "ws2"}}}
        await made.done("clerk", "POST", f"{TENANT}/v1alpha2/workspaces/ws2/namespaces", json=project)
        release = await here.released("operator", "first", **await here.version("chief", here.ids["own"], "anchor"))
        assert release["status"] == "active", release
        here.ids["release"] = release["cluster_id"]
        yield here


async def passes(market: Market, method: str, path: str, body: Any = None) -> dict[int, list[str]]:
    """What everybody is answered, by status."""
    found: dict[int, list[str]] = {}
    for who in EVERYONE:
        more = {"json": body} if body is not None else {}
        status, _ = await market.town.ask(who, method, path.format(**market.ids), **more)
        found.setdefault(status, []).append(who)
    return found


READS = [
    (f"{WS1}/repos", MEMBERS, 403),
    (f"{WS1}/repos/{{own}}", MEMBERS, 403),
    (f"{WS1}/repos/{{own}}/events", CHIEFS, 403),
    (f"{WS1}/apps?conditions=repo_id={{own}}", MEMBERS, 403),
    (f"{WS1}/apps/{{app_id}}", MEMBERS, 403),
    (f"{WS1}/apps/{{app_id}}/versions/{{version_id}}", MEMBERS, 403),
    (f"{V1}/apps/{{app_id}}", MEMBERS, 404),
    (f"{V1}/apps/{{app_id}}/versions/{{version_id}}/files", MEMBERS, 404),
    (f"{V1}/apps/{{app_id}}/versions/{{version_id}}/package", MEMBERS, 404),
    (f"{V1}/apps?conditions=repo_id={{own}}", MEMBERS, 404),
    (f"{V1}/apps?conditions=repo_id={{all}}", SIGNED_IN, 404),
    (f"{V1}/apps?conditions=repo_id=repo-helm", EVERYONE, 404),
    (f"{V1}/repos", SIGNED_IN, 403),
    (f"{V1}/categories", EVERYONE, 403),
    (f"{V1}/reviews", (ADMIN,), 403),
    (f"{V1}/applications", (ADMIN,), 403),
    (HERE, MEMBERS, 403),
    (f"{HERE}/{{release}}", MEMBERS, 403),
    (BY_CLUSTER, MEMBERS, 403),
    (f"{BY_CLUSTER}/{{release}}", MEMBERS, 403),
]


@pytest.mark.parametrize(("path", "who", "refused"), READS)
async def test_who_reads_what(market: Market, path: str, who: tuple[str, ...], refused: int) -> None:
    """The store is everybody's, a workspace's apps its members', a project's releases its members'; for the rest there
    is nothing, or it is forbidden.
    """
    found = await passes(market, "GET", path)
    kept = [one for one in EVERYONE if one not in who]
    assert found == {200: list(who), **({refused: kept} if kept else {})}


WRITES: list[tuple[str, str, Any, tuple[str, ...], int]] = [
    ("POST", f"{WS1}/repos", {"url": "nonsense"}, CHIEFS, 400),
    ("PATCH", f"{WS1}/repos/repo-none", {}, CHIEFS, 404),
    ("POST", f"{WS1}/repos/repo-none/action", {"action": "index"}, CHIEFS, 404),
    ("DELETE", f"{WS1}/repos/repo-none", None, CHIEFS, 200),
    ("POST", f"{V1}/repos", {"url": "nonsense"}, (ADMIN,), 400),
    ("POST", f"{WS1}/apps", {}, CHIEFS, 400),
    ("PATCH", f"{WS1}/apps/app-none", {}, CHIEFS, 404),
    ("DELETE", f"{WS1}/apps/app-none", None, CHIEFS, 200),
    ("PATCH", f"{V1}/apps/app-none", {}, (ADMIN,), 404),
    ("POST", f"{V1}/apps/app-none/versions/appv-none/action", {"action": "pass"}, (ADMIN,), 404),
    ("POST", f"{V1}/categories", {"name": ""}, (ADMIN,), 400),
    ("DELETE", f"{V1}/categories/ctg-none", None, (ADMIN,), 200),
    ("DELETE", f"{V1}/attachments/att-none", None, (ADMIN,), 200),
    ("POST", HERE, {}, WRITERS, 400),
    ("POST", f"{HERE}/rls-none", {}, WRITERS, 404),
    ("PATCH", f"{HERE}/rls-none", {"description": "x"}, WRITERS, 404),
    ("DELETE", f"{HERE}/rls-none", None, WRITERS, 200),
    ("POST", BY_CLUSTER, {}, WRITERS, 400),
    ("DELETE", f"{BY_CLUSTER}/rls-none", None, WRITERS, 200),
    ("POST", f"{WS1}/clusters/default/namespaces/kube-system/applications", {}, (ADMIN,), 400),
]


@pytest.mark.parametrize("write", WRITES)
async def test_who_writes_what(market: Market, write: tuple[str, str, Any, tuple[str, ...], int]) -> None:
    """Nobody writes by the role that every account has: a workspace's administrators and the platform's do, and in a
    project who may write there, by either of its paths.
    """
    method, path, body, who, status = write
    found = await passes(market, method, path, body)
    assert found == {status: list(who), 403: [one for one in EVERYONE if one not in who]}


async def test_an_id_of_another_workspace_is_none(market: Market) -> None:
    """The administrator of another workspace, by its own path and foreign ids, finds, changes and releases nothing."""
    repo, app, version = market.ids["own"], market.ids["app_id"], market.ids["version_id"]
    theirs, indexed = f"{WS2}/namespaces/p2/applications", await market.version("chief", repo, "anchor")
    for method, path, body in (
        ("GET", f"{WS2}/repos/{repo}", None),
        ("PATCH", f"{WS2}/repos/{repo}", {"name": "mine"}),
        ("POST", f"{WS2}/repos/{repo}/action", {"action": "index"}),
        ("GET", f"{WS2}/apps/{app}", None),
        ("GET", f"{WS2}/apps/{indexed['app_id']}/versions", None),
        ("POST", f"{WS2}/apps/{app}/versions/{version}/action", {"action": "submit"}),
        ("GET", f"{theirs}/{market.ids['release']}", None),
        ("POST", f"{theirs}/{market.ids['release']}", indexed),
        ("PATCH", f"{theirs}/{market.ids['release']}", {"description": "mine"}),
        ("POST", theirs, {"name": "mine", **indexed}),
        ("POST", theirs, {"name": "mine", "app_id": app, "version_id": version}),
    ):
        status, text = await market.town.ask("clerk", method, path, **({"json": body} if body else {}))
        assert (status, "anchor" in str(text)) == (404, False), (method, path, status, text)
    assert (await market.town.ask("clerk", "GET", f"{WS2}/namespaces/p1/applications"))[0] == 403
    assert (await market.town.ask("chief", "GET", f"{WS1}/namespaces/p2/applications"))[0] == 403
    await market.town.done("clerk", "DELETE", f"{theirs}/{market.ids['release']}")
    release = await market.town.done("chief", "GET", f"{HERE}/{market.ids['release']}")
    assert release["cluster"]["status"] == "active"


async def test_a_release_through_all(market: Market) -> None:
    """From a chart to a Deployment that stands, changed, removed; one chain of causes a wish, in the log."""
    version = await market.version("owner", market.ids["all"], "anchor")
    made = await market.released("owner", "front", **version, conf="replicas: 2\n")
    assert made["status"] == "active", made
    at = "/apis/apps/v1/namespaces/p1/deployments/front"
    assert (await market.town.done("owner", "GET", at))["spec"]["replicas"] == 2
    await market.town.done("owner", "DELETE", f"{HERE}/{made['cluster_id']}")
    await market.until("owner", f"{HERE}?conditions=keyword=front", lambda found: not found["items"])
    assert (await market.town.ask("owner", "GET", at))[0] == 404
    asked = f"/kapis/events.orrery.io/v1/events?subject=releases/{made['cluster_id']}"
    log = await market.until(ADMIN, asked, lambda found: len(found["items"]) == 4)
    told = [(one["type"].rpartition(".")[2], one["correlationid"], one["traceparent"][3:35]) for one in log["items"]]
    assert [name for name, _, _ in told] == [
        "ReleaseRequested",
        "ReleaseInstalled",
        "ReleaseDeleteRequested",
        "ReleaseDeleted",
    ]
    assert told[0][1:] == told[1][1:] != told[2][1:] == told[3][1:]


async def test_helm_may_do_what_the_user_may(market: Market) -> None:
    """A chart that makes something in another namespace fails for who has no right there, and says so."""
    version = await market.version("operator", market.ids["own"], "stray")
    made = await market.released("operator", "stray", **version)
    assert (made["status"], "forbidden" in made["additional_info"]) == ("failed", True), made
    found = await market.town.done(ADMIN, "GET", "/api/v1/namespaces/default/configmaps")
    assert "stray-note" not in [one["metadata"]["name"] for one in found["items"]]


@pytest.mark.slow
@pytest.mark.parametrize("failpoint", ["release.before-helm", "release.after-helm", "store.index-read"])
async def test_a_killed_suite_takes_up_what_it_had_begun(tmp_path: pathlib.Path, failpoint: str) -> None:
    """SIGKILL before an index is kept, before Helm is called, and after it is done: everything comes about, once."""
    (tmp_path / "data").mkdir()
    async with shelf() as charts:
        suite = Suite(tmp_path / "data", "outbox:", settings={"ORRERY_EGRESS_ALLOW": "127.0.0.1"})
        await suite.start(f"{failpoint}=kill")
        assert suite.process is not None
        dead = False
        for _ in range(2):
            try:
                found = await asyncio.wait_for(_stood_up(suite, charts), 40)
                break
            except aiohttp.ClientError:
                assert not dead
                dead = True
                await suite.process.wait()
                await suite.start()
        assert dead
        assert [event for event in found if event in ("RepositoryIndexed", "ReleaseInstalled")] == [
            "RepositoryIndexed",
            "ReleaseInstalled",
        ]
        assert await suite.stop() == 0


async def _stood_up(suite: Suite, charts: Shelf) -> list[str]:
    """A release in a project of the suite, as far as it isn't there yet; what was told of it, each as often."""
    async with aiohttp.ClientSession(suite.base) as session:
        form = {"grant_type": "password", "username": "admin", "password": PASSWORD}
        form |= {"client_id": "kubesphere", "client_secret": "kubesphere"}
        async with session.post("/oauth/token", data=form) as answer:
            headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}

        async def ask(method: str, path: str, body: Any = None) -> Any:
            async with session.request(method, path, json=body, headers=headers) as answer:
                return await answer.json(content_type=None) if answer.status == 200 else {}

        async def until(path: str, holds: Callable[[Any], Any]) -> Any:
            for _ in range(1000):
                found = await ask("GET", path)
                if found and holds(found):
                    return found
                await asyncio.sleep(0.05)
            raise AssertionError(path)

        space = {"metadata": {"name": "ws1"}, "spec": {"template": {"spec": {"manager": "admin"}}}}
        await ask("POST", f"{TENANT}/v1alpha3/workspacetemplates", space)
        project = {"metadata": {"name": "p1", "labels": {"kubesphere.io/workspace": "ws1"}}}
        await ask("POST", f"{TENANT}/v1alpha2/workspaces/ws1/namespaces", project)
        await until("/apis/rbac.authorization.k8s.io/v1/namespaces/p1/rolebindings/orrery-releases", lambda _: True)
        await ask("POST", f"{WS1}/repos", {"name": "charts", "url": charts.url})
        repo = (await until(f"{WS1}/repos", lambda found: found["items"]))["items"][0]["repo_id"]
        apps = await until(f"{WS1}/apps?conditions=repo_id={repo},keyword=anchor", lambda found: found["items"])
        latest = apps["items"][0]["latest_app_version"]
        wish = {"name": "front", "app_id": latest["app_id"], "version_id": latest["version_id"]}
        await ask("POST", HERE, wish)
        await until(HERE, lambda found: found["items"] and found["items"][0]["cluster"]["status"] == "active")
        events = "/kapis/events.orrery.io/v1/events?limit=500&type="
        await until(f"{events}ReleaseInstalled", lambda found: found["items"])
        logs = [await ask("GET", events + name) for name in ("RepositoryIndexed", "ReleaseInstalled")]
        return [one["type"].rpartition(".")[2] for log in logs for one in log["items"]]
