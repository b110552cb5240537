"""Releases: real Helm against the sandbox, as the user; upgraded, removed, refused, failing with their reasons."""

from __future__ import annotations

from typing import Any

import pytest

from libs.shared.contracts.cluster_v1 import ProjectGone
from libs.shared.errors import Missing
from services.openpitrix.tests.charts import NOTED, Shelf, chart, meta
from services.openpitrix.tests.stage import NAMESPACE, V1, Stage

WS1 = f"{V1}/workspaces/ws1"
HERE = f"{WS1}/namespaces/{NAMESPACE}/applications"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
ELSEWHERE = NOTED.replace("metadata:", "metadata:\n  namespace: other")
GRANTING = """apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ .Release.Name }}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
"""
NEEDY = NOTED.replace('| default "none" | quote', '| required "a note is needed" | quote')


async def wanted(stage: Stage, charts: Shelf, name: str = "front", *, chart_name: str = "anchor", **more: Any) -> Any:
    """Ask for a release of a chart, the oldest version of it; the release once it has settled."""
    who = more.pop("who", "admin")
    version = await version_of(stage, charts, chart_name)
    made = await stage("POST", HERE, {"name": name, **version, **more}, who=who)
    assert made.status == 200, made
    return await settled(stage, name)


async def version_of(stage: Stage, charts: Shelf, name: str, place: int = 0) -> dict[str, str]:
    """`app_id` and `version_id` of a chart."""
    known = (await stage("GET", f"{WS1}/repos")).json["items"]
    repo = known[0]["repo_id"] if known else await stage.repo(charts.url)
    found = (await stage("GET", f"{WS1}/apps?conditions=repo_id={repo}&limit=-1")).json["items"]
    app = next(one["app_id"] for one in found if one["name"] == name)
    versions = (await stage("GET", f"{WS1}/apps/{app}/versions")).json["items"]
    return {"app_id": app, "version_id": versions[place]["version_id"]}


async def settled(stage: Stage, name: str) -> Any:
    """The release, when nothing is done about it any more."""
    done = ("active", "failed")
    asked = f"{HERE}?conditions=keyword={name}"
    found = await stage.until(asked, lambda a: a["items"] and a["items"][0]["cluster"]["status"] in done, seconds=40)
    return found["items"][0]["cluster"]


async def deployed(stage: Stage, name: str) -> Any:
    """Its Deployment as it stands, or None."""
    try:
        return await stage.cluster.get(f"{DEPLOYMENTS}/{name}")
    except Missing:
        return None


async def test_a_release_comes_changes_and_goes(site: Stage, charts: Shelf) -> None:
    """Installed with its values, shown with its objects, upgraded keeping the values, removed with everything; told."""
    made = await wanted(site, charts, conf="replicas: 2\n", description="our first")
    assert (made["status"], made["env"], made["zone"]) == ("active", "replicas: 2\n", NAMESPACE)
    assert (await deployed(site, "front"))["spec"]["replicas"] == 2
    shown = (await site("GET", f"{HERE}/{made['cluster_id']}")).json
    assert [(one["kind"], one["metadata"]["name"]) for one in shown["releaseInfo"]] == [("Deployment", "front")]
    newer = await version_of(site, charts, "anchor", 1)
    await site("POST", f"{HERE}/{made['cluster_id']}", {"name": "front", **newer, "conf": ""})
    again = await settled(site, "front")
    assert (again["status"], again["version_id"], again["env"]) == ("active", newer["version_id"], "replicas: 2\n")
    assert (await deployed(site, "front"))["spec"]["replicas"] == 2
    assert (await site("DELETE", f"{HERE}/{made['cluster_id']}")).json == {"message": "success"}
    await site.until(HERE, lambda found: found["total_count"] == 0, seconds=20)
    assert await deployed(site, "front") is None
    assert [event.name for event in await site.told() if event.subject.startswith("releases/")] == [
        "ReleaseRequested",
        "ReleaseInstalled",
        "ReleaseUpgradeRequested",
        "ReleaseUpgraded",
        "ReleaseDeleteRequested",
        "ReleaseDeleted",
    ]


@pytest.mark.parametrize(
    ("template", "conf", "text"),
    [
        (NOTED, "a: [1", "yaml"),
        (NOTED, "- a\n- b\n", "unmarshal"),
        (NOTED, "just words", "unmarshal"),
        (NEEDY, "", "a note is needed"),
        ("{{ .Values.nope.nope }}", "", "nil pointer"),
        ("kind: [", "", "YAML"),
        (ELSEWHERE, "", "forbidden"),
        (GRANTING, "", "forbidden"),
    ],
)
async def test_what_cannot_be_installed_fails_with_its_reason(
    site: Stage, charts: Shelf, template: str, conf: str, text: str
) -> None:
    """Values that are no mapping, templates that don't render, objects that the user may not make: failed, why, told
    once, nothing left in the cluster; and it can be taken away.
    """
    charts.put((meta("bad"), chart("bad", template=template)))
    made = await wanted(site, charts, "front", chart_name="bad", conf=conf)
    assert made["status"] == "failed"
    assert text.lower() in made["additional_info"].lower()
    assert len(await site.told("ReleaseFailed")) == 1
    await site("DELETE", f"{HERE}/{made['cluster_id']}")
    await site.until(HERE, lambda found: found["total_count"] == 0, seconds=20)
    maps = await site.cluster.get("/api/v1/configmaps")
    assert not [one for one in maps["items"] if one["metadata"]["name"].startswith("front")]


async def test_who_may_do_everything_may_do_it_here(site: Stage, charts: Shelf) -> None:
    """What a chart makes beyond its project takes somebody who could make it by himself."""
    charts.put((meta("granting"), chart("granting", template=GRANTING)))
    site.rights.everything.add("admin")
    made = await wanted(site, charts, "granted", chart_name="granting")
    assert made["status"] == "active", made
    assert (await site.cluster.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/granted"))["rules"]


async def test_a_failed_release_is_mended_by_an_upgrade(site: Stage, charts: Shelf) -> None:
    """A first installation that failed is begun anew with better values."""
    charts.put((meta("needy"), chart("needy", template=NEEDY)))
    made = await wanted(site, charts, chart_name="needy")
    assert made["status"] == "failed"
    version = await version_of(site, charts, "needy")
    await site("POST", f"{HERE}/{made['cluster_id']}", {**version, "conf": "note: here\n"})
    assert (await settled(site, "front"))["status"] == "active"
    note = await site.cluster.get(f"/api/v1/namespaces/{NAMESPACE}/configmaps/front-note")
    assert note["data"] == {"note": "here"}


async def test_a_package_that_is_gone_or_torn_fails(site: Stage, charts: Shelf) -> None:
    """A chart whose archive can't be had, is no archive, or isn't the one of the index: failed, and why."""
    charts.put((meta("gone"), b""), (meta("torn"), b"no archive"), (meta("other"), chart("other")))
    del charts.files["/charts/gone-1.0.0.tgz"]
    charts.files["/charts/other-1.0.0.tgz"] += b" "
    for name, text in (("gone", "404"), ("torn", "gzip"), ("other", "not what the index names")):
        made = await wanted(site, charts, name, chart_name=name)
        assert (made["status"], text in made["additional_info"]) == ("failed", True), made


async def test_a_helm_release_of_somebody_else_is_left_alone(site: Stage, charts: Shelf) -> None:
    """A release that Helm knows and we don't is neither changed nor removed."""
    made = await wanted(site, charts)
    secrets = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    stored = (await site.cluster.get(secrets, labelSelector="owner=helm"))["items"][0]["metadata"]["name"]
    await site.cluster.patch(f"{secrets}/{stored}", {"metadata": {"labels": {"orrery-release": "rls-another"}}})
    await site("DELETE", f"{HERE}/{made['cluster_id']}")
    failed = await settled(site, "front")
    assert (failed["status"], "somebody else" in failed["additional_info"]) == ("failed", True)
    assert await deployed(site, "front") is not None


async def test_rights_are_those_of_the_moment(site: Stage, charts: Shelf) -> None:
    """Who lost his right, or his account, before Helm was called gets nothing installed."""
    site.rights.refused.add("eve")
    site.rights.gone.add("ghost")
    for name, text in (("eve", "may not create applications"), ("ghost", "disabled or gone")):
        site.answers[name] = site.answers["admin"]
        made = await wanted(site, charts, name, who=name)
        assert (made["status"], text in made["additional_info"]) == ("failed", True), made
    assert await deployed(site, "eve") is None


async def test_a_gateway_that_cannot_answer_is_waited_for(site: Stage, charts: Shelf) -> None:
    """Nothing is installed on nobody's word; when it answers again, the release comes about."""
    site.rights.down = True
    version = await version_of(site, charts, "anchor")
    await site("POST", HERE, {"name": "front", **version})
    found = await site.until(HERE, lambda a: a["items"][0]["cluster"].get("additional_info"))
    assert found["items"][0]["cluster"]["status"] == "creating"
    site.rights.down = False
    for _ in range(40):
        await site.clock.advance(5)
        if (await site("GET", HERE)).json["items"][0]["cluster"]["status"] == "active":
            break
    assert (await settled(site, "front"))["status"] == "active"


BAD = (
    ({"name": "Front"}, 400, "lower case"),
    ({"name": "x" * 54}, 400, "at most 53"),
    ({"name": "../x"}, 400, "lower case"),
    ({"name": "front", "version_id": ""}, 400, "version_id"),
    ({"name": "front", "version_id": "appv-none"}, 404, "appv-none"),
    ({"name": 7}, 400, "name"),
    ({"name": "front", "conf": {"replicas": 2}}, 400, "conf"),
    ({"name": "front", "conf": "x: " + "y" * 300_000}, 413, "at most"),
)


async def test_bad_wishes_are_refused(site: Stage, charts: Shelf) -> None:
    """Each is refused with a reason, and nothing is kept."""
    version = await version_of(site, charts, "anchor")
    for body, status, text in BAD:
        made = await site("POST", HERE, {**version, **body})
        assert (made.status, text in made.text) == (status, True), (body, made)
    assert (await site("GET", HERE)).json["total_count"] == 0


async def test_releases_of_another_place_are_not_there(site: Stage, charts: Shelf) -> None:
    """By id through one's own workspace and project, a foreign release is as if there were none; a project that isn't
    the workspace's takes none.
    """
    made = await wanted(site, charts)
    name = made["cluster_id"]
    for place in (
        f"{V1}/workspaces/ws2/namespaces/other",
        f"{WS1}/namespaces/other",
        f"{V1}/workspaces/ws2/namespaces/{NAMESPACE}",
    ):
        at = f"{place}/applications"
        assert (await site("GET", f"{at}/{name}")).status == 404
        assert (await site("PATCH", f"{at}/{name}", {"description": "mine"})).status == 404
        version = await version_of(site, charts, "anchor")
        assert (await site("POST", f"{at}/{name}", version)).status == 404
        assert (await site("DELETE", f"{at}/{name}")).json == {"message": "success"}
        assert (await site("GET", at)).json["total_count"] == 0
        assert (await site("POST", at, {"name": "mine", **version})).status == 404
    assert (await settled(site, "front"))["status"] == "active"


async def test_a_project_that_goes_takes_its_releases(site: Stage, charts: Shelf) -> None:
    """Told twice, done once: its namespace took everything along."""
    await wanted(site, charts)
    for _ in range(2):
        await site.hear(ProjectGone(project=NAMESPACE, workspace="ws1"))
    assert (await site("GET", HERE)).json["total_count"] == 0
    assert len(await site.told("ReleaseDeleted")) == 1
