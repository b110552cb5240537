"""Repositories: added by address, read, searched, changed, removed; and everything that can be wrong with one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aiohttp import web

from libs.shared.contracts.accounts_v1 import WorkspaceDeleted
from services.openpitrix.domain.repo import Repo
from services.openpitrix.tests.charts import Shelf, web_chart
from services.openpitrix.tests.stage import V1, Stage, staged

WS1, WS2 = f"{V1}/workspaces/ws1", f"{V1}/workspaces/ws2"


async def test_charts_of_a_repository_are_apps(stage: Stage, charts: Shelf) -> None:
    """Each chart becomes an app, each of its versions a version, in order; and what happened is told."""
    repo = await stage.repo(charts.url)
    found = (await stage("GET", f"{WS1}/apps?conditions=repo_id={repo},status=active")).json
    assert [one["name"] for one in found["items"]] == ["anchor", "bottle"]
    anchor = found["items"][0]
    assert anchor["latest_app_version"]["name"] == "1.2.0 [1.27]"
    versions = (await stage("GET", f"{WS1}/apps/{anchor['app_id']}/versions")).json
    assert [one["name"] for one in versions["items"]] == ["1.0.0 [1.25]", "1.2.0 [1.27]"]
    one = (await stage("GET", f"{WS1}/apps/{anchor['app_id']}/versions/{versions['items'][0]['version_id']}")).json
    assert one == versions["items"][0]
    assert [event.name for event in await stage.told()] == ["RepositoryAdded", "RepositoryIndexed"]
    assert {event.workspace for event in await stage.told()} == {"ws1"}


async def test_lists_search_page_and_turn(stage: Stage, charts: Shelf) -> None:
    """Keyword, page and reverse do what the original's do; a state that no app has finds none."""
    repo = await stage.repo(charts.url)
    asked = f"{WS1}/apps?conditions=repo_id={repo}"
    assert [a["name"] for a in (await stage("GET", f"{asked},keyword=BOT")).json["items"]] == ["bottle"]
    turned = (await stage("GET", f"{asked}&reverse=true&paging=limit=1,page=2")).json
    assert ([a["name"] for a in turned["items"]], turned["total_count"]) == (["anchor"], 2)
    assert (await stage("GET", f"{asked},status=draft|suspended")).json == {"items": [], "total_count": 0}
    assert (await stage("GET", f"{asked}&limit=0")).json == {"items": [], "total_count": 2}
    assert len((await stage("GET", f"{asked}&limit=-1")).json["items"]) == 2
    assert (await stage("GET", f"{WS1}/apps?conditions=key[0]=1")).status == 400


async def test_what_is_no_longer_in_the_index_goes(stage: Stage, charts: Shelf) -> None:
    """A second reading adds, changes and removes; what stayed keeps its id."""
    repo = await stage.repo(charts.url)
    before = (await stage("GET", f"{WS1}/apps?conditions=repo_id={repo}")).json["items"]
    charts.put(web_chart("1.2.0", appVersion="1.27", description="new words"), web_chart("2.0.0-rc.1"))
    await stage("POST", f"{WS1}/repos/{repo}/action", {"action": "index"})
    await stage.clock.advance(61)
    after = await stage.until(f"{WS1}/apps?conditions=repo_id={repo}", lambda found: found["total_count"] == 1)
    assert after["items"][0]["app_id"] == before[0]["app_id"]
    listed = (await stage("GET", f"{WS1}/apps/{before[0]['app_id']}/versions")).json["items"]
    assert [(one["name"], one["description"]) for one in listed] == [
        ("1.2.0 [1.27]", "new words"),
        ("2.0.0-rc.1", "The chart anchor"),
    ]


async def test_password_is_sealed_sent_and_never_shown(stage: Stage, charts: Shelf) -> None:
    """The user in an address is taken out of it, sent to that origin alone, and his password shown to nobody."""
    url = charts.url.replace("http://", "http://ann:s%23cret@")
    repo = await stage.repo(url)
    assert charts.asked[-1].headers["Authorization"] == "Basic YW5uOnMjY3JldA=="
    shown = await stage("GET", f"{WS1}/repos/{repo}")
    assert shown.json["url"] == charts.url
    assert json.loads(shown.json["credential"]) == {"username": "ann", "password": "******"}
    kept = await stage.parts.store.of(Repo).find()
    assert "s#cret" not in kept[0].model_dump_json()


async def test_repositories_are_changed_and_removed(stage: Stage, charts: Shelf) -> None:
    """Names are free once a workspace; another address needs an index; a removed repository's apps go."""
    repo, other = await stage.repo(charts.url), await stage.repo(charts.url, name="others")
    assert (await stage("POST", f"{WS1}/repos", {"name": "charts", "url": charts.url})).status == 409
    assert (await stage("PATCH", f"{WS1}/repos/{other}", {"name": "charts"})).status == 400
    assert (await stage("PATCH", f"{WS1}/repos/{other}", {"url": charts.url + "/none"})).status == 400
    changed = await stage("PATCH", f"{WS1}/repos/{other}", {"description": "words", "sync_period": "30s"})
    assert changed.json == {"message": "success"}
    shown = (await stage("GET", f"{WS1}/repos/{other}")).json
    assert (shown["description"], shown["sync_period"]) == ("words", "30s")
    assert (await stage("DELETE", f"{WS1}/repos/{repo}")).json == {"message": "success"}
    assert (await stage("GET", f"{WS1}/apps?conditions=repo_id={repo}")).status == 404
    assert (await stage("GET", f"{WS1}/repos")).json["total_count"] == 1
    assert (await stage("DELETE", f"{WS1}/repos/{repo}")).json == {"message": "success"}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"url": "URL"}, "repo name is empty"),
        ({"name": "x" * 200, "url": "URL"}, "at most 128 letters"),
        ({"name": "a", "url": "URL/none"}, "404 Not Found"),
        ({"name": "a", "url": "http://127.0.0.1:1/"}, "port 1"),
        ({"name": "a", "url": "ftp://127.0.0.1/"}, "unsupported scheme"),
        ({"name": "a", "url": "file:///etc"}, "unsupported scheme"),
        ({"name": "a", "url": "http://[::1"}, "missing ']' in host"),
        ({"name": "a", "url": "http://169.254.169.254/latest"}, "may not be reached"),
        ({"name": "a", "url": "http://10.0.0.1/"}, "may not be reached"),
        ({"name": "a", "url": "URL", "sync_period": "soon"}, 'invalid duration "soon"'),
        ({"name": 7, "url": "URL"}, "name"),
        ({"name": "a\nb", "url": "URL"}, "letters"),
        ({"name": "a", "url": "URL\r\nX: y"}, "address of a repository"),
    ],
)
async def test_bad_repositories_are_refused(stage: Stage, charts: Shelf, body: dict[str, object], text: str) -> None:
    """Each is 400 with a reason that names what is accepted, and nothing is kept."""
    body = {key: value.replace("URL", charts.url) if isinstance(value, str) else value for key, value in body.items()}
    made = await stage("POST", f"{WS1}/repos", body)
    assert made.status == 400, made
    assert text in made.text
    assert (await stage("GET", f"{WS1}/repos")).json["total_count"] == 0


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (b"this: is: no\n  - index\n\t}\n", "error converting YAML"),
        (b"entries: {}\n", "no API version"),
        (b"[1, 2]", "no mapping"),
        (b"apiVersion: v1\nentries: [a]\n", "no mapping"),
        (BOMB.encode(), "alias"),
        (b"\xff\xfe\x00", "YAML"),
        (b"[" * 100 + b"]" * 100, "nested deeper"),
        (b"[" * 5000, "error converting YAML"),
        (b"!!python/object/apply:os.system ['id']\n", "no mapping"),
        (b"<html>", "no mapping"),
        (b"x" * 3_000_000, "larger than"),
    ],
)
async def test_nonsense_for_an_index_is_refused(tmp_path: Path, charts: Shelf, index: bytes, text: str) -> None:
    """What is no index, hostile or too large is refused with a reason, and costs neither memory nor time."""
    charts.files["/index.yaml"] = index
    async with staged(tmp_path, index_bytes=2_000_000) as stage:
        made = await stage("POST", f"{WS1}/repos?validate=true", {"url": charts.url})
    assert made.status == 400
    assert text in made.text


async def test_redirects_to_private_addresses_are_not_followed(stage: Stage, charts: Shelf) -> None:
    """A repository that redirects to a metadata service is refused as that address itself would be."""
    charts.answers["/index.yaml"] = web.Response(status=302, headers={"Location": "http://169.254.169.254/index.yaml"})
    made = await stage("POST", f"{WS1}/repos?validate=true", {"url": charts.url})
    assert made.status == 400
    assert "may not be reached" in made.text


async def test_a_repository_that_goes_down_says_so_and_keeps_its_apps(stage: Stage, charts: Shelf) -> None:
    """A failed reading is told once, shown with its reason, tried again later, and takes nothing away."""
    repo = await stage.repo(charts.url)
    charts.answers["/index.yaml"] = web.Response(status=503)
    await stage("POST", f"{WS1}/repos/{repo}/action", {"action": "index"})
    await stage.clock.advance(61)
    await stage.until(f"{WS1}/repos/{repo}", lambda one: one["status"] == "failed")
    events = (await stage("GET", f"{WS1}/repos/{repo}/events")).json
    assert (events["total_count"], events["items"][0]["status"]) == (2, "failed")
    assert "503" in events["items"][0]["result"]
    assert (await stage("GET", f"{WS1}/apps?conditions=repo_id={repo}")).json["total_count"] == 2
    del charts.answers["/index.yaml"]
    await stage.clock.advance(10)
    await stage.until(f"{WS1}/repos/{repo}", lambda one: one["status"] == "successful")
    assert len(await stage.told("RepositoryFailed")) == 1


async def test_another_workspaces_repositories_are_not_there(stage: Stage, charts: Shelf) -> None:
    """By id through one's own workspace, a foreign repository, its events, apps and versions are as if there were
    none; by a deletion nothing happens to it.
    """
    repo = await stage.repo(charts.url)
    app = (await stage("GET", f"{WS1}/apps?conditions=repo_id={repo}")).json["items"][0]["app_id"]
    for method, target, body in (
        ("GET", f"{WS2}/repos/{repo}", None),
        ("PATCH", f"{WS2}/repos/{repo}", {"name": "mine"}),
        ("POST", f"{WS2}/repos/{repo}/action", {"action": "index"}),
        ("GET", f"{WS2}/repos/{repo}/events", None),
        ("GET", f"{WS2}/apps?conditions=repo_id={repo}", None),
        ("GET", f"{V1}/apps?conditions=repo_id={repo}", None),
        ("GET", f"{WS2}/apps/{app}", None),
        ("GET", f"{WS2}/apps/{app}/versions", None),
        ("GET", f"{V1}/repos/{repo}", None),
    ):
        answer = await stage(method, target, body, who="stranger")
        assert answer.status == 404, (method, target, answer)
        assert "anchor" not in answer.text
    await stage("DELETE", f"{WS2}/repos/{repo}", who="stranger")
    assert (await stage("GET", f"{WS1}/repos/{repo}")).status == 200


async def test_a_workspace_that_goes_takes_its_repositories(stage: Stage, charts: Shelf) -> None:
    """Told twice, it is done once; another workspace's stay."""
    await stage.repo(charts.url)
    await stage.repo(charts.url, workspace="ws2")
    for _ in range(2):
        await stage.hear(WorkspaceDeleted(workspace="ws1", by="boss"))
    assert (await stage("GET", f"{WS1}/repos")).json["total_count"] == 0
    assert (await stage("GET", f"{WS2}/repos")).json["total_count"] == 1
    assert len(await stage.told("RepositoryDeleted")) == 1
