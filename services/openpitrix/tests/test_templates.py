"""Uploaded apps: checked, made, reviewed, released to the store; and packages that are none."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from typing import Any

import pytest

from libs.shared.contracts.accounts_v1 import WorkspaceDeleted
from services.openpitrix.domain.category import Category
from services.openpitrix.shapes.template import LARGEST_PICTURE
from services.openpitrix.tests.charts import archive, chart, meta
from services.openpitrix.tests.stage import V1, Stage

WS1, WS2 = f"{V1}/workspaces/ws1", f"{V1}/workspaces/ws2"
JUDGE = {"store.all": True, "store.workspaces": [], "store.judges": True}
MEMBER = {"store.all": False, "store.workspaces": ["ws1"], "store.judges": False}
OUTSIDER = {"store.all": False, "store.workspaces": [], "store.judges": False}


def packed(data: bytes) -> str:
    """In base64."""
    return base64.b64encode(data).decode()


def cast(stage: Stage) -> None:
    """Who asks in these tests: a reviewer, a member of ws1, and somebody else."""
    stage.answers |= {"judge": JUDGE, "mia": MEMBER, "otto": OUTSIDER}


async def uploaded(stage: Stage, name: str = "Shelf") -> dict[str, str]:
    """An app of ws1 with one version; `app_id` and `version_id`."""
    cast(stage)
    body = {"name": name, "version_type": "helm", "version_package": packed(chart("anchor", appVersion="1.25"))}
    made = await stage("POST", f"{WS1}/apps", body, who="mia")
    assert made.status == 200, made
    found: dict[str, str] = made.json
    return found


async def act(stage: Stage, ids: dict[str, str], action: str, *, who: str = "mia", place: str = WS1) -> Any:
    """One step of the version."""
    at = f"{place}/apps/{ids['app_id']}/versions/{ids['version_id']}/action"
    return await stage("POST", at, {"action": action, "message": f"{action} it"}, who=who)


async def released(stage: Stage) -> dict[str, str]:
    """An app that is in the store."""
    ids = await uploaded(stage)
    for action, who in (("submit", "mia"), ("pass", "judge"), ("release", "mia")):
        answer = await act(stage, ids, action, who=who, place=V1 if who == "judge" else WS1)
        assert answer.status == 200, answer
    return ids


async def test_an_app_on_its_way_into_the_store(stage: Stage) -> None:
    """Draft, submitted, rejected, submitted, passed, active, suspended, active: each step audited and told, and the
    store's copy there when and only when it was released.
    """
    ids = await uploaded(stage)
    at = f"{WS1}/apps/{ids['app_id']}"
    assert (await stage("GET", at)).json["status"] == "draft"
    steps = [("submit", "mia"), ("reject", "judge"), ("submit", "mia"), ("pass", "judge"), ("release", "mia")]
    store = f"{V1}/apps?conditions=repo_id=repo-helm,status=active"
    for action, who in steps:
        assert (await stage("GET", store, who="otto")).json["total_count"] == 0
        assert (await act(stage, ids, action, who=who, place=V1 if who == "judge" else WS1)).status == 200
    shown = (await stage("GET", store, who="otto")).json["items"][0]
    assert (shown["app_id"], shown["status"], shown["isv"]) == (f"{ids['app_id']}-store", "active", "ws1")
    assert shown["category_set"][0]["name"] == "uncategorized"
    await act(stage, ids, "suspend")
    assert (await stage("GET", at)).json["status"] == "suspended"
    assert (await stage("GET", store, who="otto")).json["total_count"] == 0
    await act(stage, ids, "recover")
    assert (await stage("GET", store, who="otto")).json["total_count"] == 1
    audits = (await stage("GET", f"{at}/versions/{ids['version_id']}/audits")).json["items"]
    states = ["active", "suspended", "active", "passed", "submitted", "rejected", "submitted", "draft"]
    assert [one["status"] for one in audits] == states
    assert (audits[5]["operator"], audits[5]["message"]) == ("judge", "reject it")
    told = [json.loads(one.data)["state"] for one in await stage.told("AppVersionReviewed")]
    assert told == states[-2::-1]


async def test_nobody_judges_his_own(stage: Stage) -> None:
    """Passing and rejecting are the platform's; no step is taken out of turn, and none that isn't known."""
    ids = await uploaded(stage)
    assert (await act(stage, ids, "pass")).status == 403
    assert (await act(stage, ids, "release")).status == 409
    assert (await act(stage, ids, "approve")).status == 400
    await act(stage, ids, "submit")
    assert (await act(stage, ids, "reject")).status == 403
    assert (await act(stage, ids, "submit")).status == 409
    reviews = (await stage("GET", f"{V1}/reviews?conditions=status=submitted", who="judge")).json
    assert [(one["app_name"], one["workspace"], one["reviewer"]) for one in reviews["items"]] == [
        ("Shelf", "ws1", "mia")
    ]


async def test_files_and_package_are_as_they_were_sent(stage: Stage) -> None:
    """README, values and templates by their paths; the archive byte by byte; of a strange workspace nothing."""
    ids = await uploaded(stage)
    at = f"{V1}/apps/{ids['app_id']}/versions/{ids['version_id']}"
    files = (await stage("GET", f"{at}/files", who="mia")).json["files"]
    assert base64.b64decode(files["README.md"]) == b"# anchor\n"
    assert set(files) == {"Chart.yaml", "values.yaml", "README.md", "templates/main.yaml"}
    package = (await stage("GET", f"{at}/package", who="mia")).json
    assert base64.b64decode(package["package"]) == chart("anchor", appVersion="1.25")
    for what in ("files", "package"):
        answer = await stage("GET", f"{at}/{what}", who="otto")
        assert (answer.status, "anchor" in answer.text) == (404, False)


async def test_a_released_version_is_everybodys_and_no_other(stage: Stage) -> None:
    """Through the store others see what was released and not what is still a draft."""
    ids = await released(stage)
    newer = {"package": packed(chart("anchor", "2.0.0"))}
    draft = (await stage("POST", f"{WS1}/apps/{ids['app_id']}/versions", newer, who="mia")).json["version_id"]
    for name in (ids["app_id"], f"{ids['app_id']}-store"):
        seen = (await stage("GET", f"{V1}/apps/{name}/versions", who="otto")).json
        assert [one["version_id"] for one in seen["items"]] == [ids["version_id"]]
        assert (await stage("GET", f"{V1}/apps/{name}/versions/{draft}", who="otto")).status == 404
        assert (await stage("GET", f"{V1}/apps/{name}/versions/{ids['version_id']}/files", who="otto")).status == 200
    assert (await stage("GET", f"{V1}/apps/{ids['app_id']}", who="otto")).status == 404
    assert (await stage("GET", f"{WS1}/apps/{ids['app_id']}/versions", who="mia")).json["total_count"] == 2


async def test_another_workspace_changes_nothing(stage: Stage) -> None:
    """By id through one's own workspace: as if there were neither app nor version, and both are as they were."""
    ids = await uploaded(stage)
    app, version = f"/apps/{ids['app_id']}", f"/apps/{ids['app_id']}/versions/{ids['version_id']}"
    for method, path, body in (
        ("GET", app, None),
        ("PATCH", app, {"name": "mine"}),
        ("POST", f"{app}/action", {"action": "suspend"}),
        ("GET", f"{app}/versions", None),
        ("POST", f"{app}/versions", {"package": packed(chart("anchor", "9.0.0"))}),
        ("GET", version, None),
        ("PATCH", version, {"description": "mine"}),
        ("POST", f"{version}/action", {"action": "submit"}),
        ("GET", f"{version}/audits", None),
        ("GET", f"{version}/files", None),
        ("GET", f"{version}/package", None),
    ):
        answer = await stage(method, WS2 + path, body, who="otto")
        assert (answer.status, "anchor" in answer.text) == (404, False), (method, path, answer)
    other = await uploaded(stage, "Other")
    mixed = f"{WS1}/apps/{other['app_id']}/versions/{ids['version_id']}"
    assert (await stage("POST", f"{mixed}/action", {"action": "submit"})).status == 404
    for path in (app, version):
        assert (await stage("DELETE", WS2 + path, who="otto")).status == 200
    assert (await stage("GET", f"{WS1}{version}")).json["status"] == "draft"


async def test_apps_are_described_and_removed(stage: Stage) -> None:
    """Names are free once a workspace; what is active stays; an app goes after its versions."""
    ids = await released(stage)
    at = f"{WS1}/apps/{ids['app_id']}"
    await uploaded(stage, "Barrel")
    assert (await stage("PATCH", at, {"name": "Barrel"})).status == 409
    assert (await stage("PATCH", at, {"category_id": "ctg-none"})).status == 404
    assert (await stage("PATCH", at, {"abstraction": "in short", "keywords": "a,b"})).status == 200
    shown = (await stage("GET", f"{V1}/apps/{ids['app_id']}-store")).json
    assert (shown["abstraction"], shown["keywords"]) == ("in short", "a,b")
    assert (await stage("DELETE", at)).status == 409
    assert (await stage("DELETE", f"{at}/versions/{ids['version_id']}")).status == 409
    await act(stage, ids, "suspend")
    assert (await stage("DELETE", f"{at}/versions/{ids['version_id']}")).status == 200
    assert (await stage("DELETE", at)).status == 200
    assert (await stage("GET", f"{V1}/apps/{ids['app_id']}-store")).status == 404
    assert (await stage("GET", f"{WS1}/apps")).json["total_count"] == 1


async def test_a_draft_gets_another_package(stage: Stage) -> None:
    """Of the same chart, while it is a draft; its name and description at any time."""
    ids = await uploaded(stage)
    at = f"{WS1}/apps/{ids['app_id']}/versions/{ids['version_id']}"
    assert (await stage("PATCH", at, {"package": packed(chart("cup"))})).status == 409
    assert (await stage("PATCH", at, {"package": packed(chart("anchor", "1.1.0"))})).status == 200
    assert (await stage("PATCH", at, {"name": "1.2.0 [9]", "description": "better"})).status == 200
    shown = (await stage("GET", at)).json
    assert (shown["name"], shown["description"], shown["package_name"]) == ("1.2.0 [9]", "better", "anchor-1.2.0.tgz")
    await act(stage, ids, "submit")
    assert (await stage("PATCH", at, {"package": packed(chart("anchor", "1.3.0"))})).status == 409
    assert (await stage("PATCH", at, {"name": "one"})).status == 422


async def test_pictures_are_kept_and_shown_to_everybody(stage: Stage) -> None:
    """An icon and screenshots by id, the file itself never run by a browser; the seventh screenshot is refused."""
    ids = await uploaded(stage)
    at, picture = f"{WS1}/apps/{ids['app_id']}", packed(b"<svg onload=alert(1)>")
    assert (await stage("PATCH", at, {"type": "icon", "attachment_content": picture})).status == 200
    icon = (await stage("GET", at)).json["icon"]
    raw = await stage("GET", f"{V1}/attachments/{icon}?filename=raw", who="system:anonymous")
    assert (raw.text, raw.headers["Content-Type"]) == ("<svg onload=alert(1)>", "application/octet-stream")
    assert "sandbox" in raw.headers["Content-Security-Policy"]
    for sequence in range(6):
        shot = {"type": "screenshot", "sequence": sequence, "attachment_content": picture}
        assert (await stage("PATCH", at, shot)).status == 200
    assert (await stage("PATCH", at, shot)).status == 400
    assert (await stage("PATCH", at, {"type": "screenshot", "sequence": 0})).status == 200
    shown = (await stage("GET", at)).json
    assert (len(shown["screenshots"].split(",")), shown["icon"]) == (5, icon)
    assert (await stage("GET", f"{V1}/attachments/att-none")).status == 404


async def test_categories(stage: Stage) -> None:
    """Made, named once, counted, and not removed while an app is in one."""
    ids = await released(stage)
    made = (await stage("POST", f"{V1}/categories", {"name": "databases", "locale": "{}"})).json["category_id"]
    assert (await stage("POST", f"{V1}/categories", {"name": "databases"})).status == 409
    await stage("PATCH", f"{WS1}/apps/{ids['app_id']}", {"category_id": made})
    assert (await stage("GET", f"{V1}/categories/{made}")).json["app_total"] == 1
    found = (await stage("GET", f"{V1}/apps?conditions=repo_id=repo-helm,category_id={made}", who="otto")).json
    assert found["total_count"] == 1
    assert (await stage("DELETE", f"{V1}/categories/{made}")).status == 409
    assert (await stage("PATCH", f"{V1}/categories/{made}", {"name": "stores"})).status == 200
    names = [one["name"] for one in (await stage("GET", f"{V1}/categories")).json["items"]]
    assert sorted(names) == ["stores", "uncategorized"]
    assert await stage.parts.store.of(Category).count() == 2


async def test_a_workspace_that_goes_leaves_what_others_use(stage: Stage) -> None:
    """What was released to the store stays; drafts go."""
    ids = await released(stage)
    draft = await uploaded(stage, "Draft")
    await stage.hear(WorkspaceDeleted(workspace="ws1", by="boss"))
    assert (await stage("GET", f"{V1}/apps/{ids['app_id']}-store")).status == 200
    assert (await stage("GET", f"{V1}/apps/{draft['app_id']}")).status == 404


EVERY = bytes(range(256)) + b"\r\n\r\r\n\n--x\r\n"
FORM = "multipart/form-data; boundary=edge"


def form(content: bytes) -> bytes:
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    return head + content + b"\r\n--edge--\r\n"


async def test_a_picture_comes_back_as_it_was_sent(stage: Stage) -> None:
    """By a form, whatever its bytes are; one that is too large, no form, or another media type is refused."""
    made = await stage("POST", f"{V1}/attachments", raw=form(EVERY), media=FORM)
    assert made.status == 200, made
    found = await stage("GET", f"{V1}/attachments/{made.json['attachment_id']}")
    assert base64.b64decode(found.json["attachment_content"]["raw"]) == EVERY
    for raw, media, status in (
        (form(b"x" * (LARGEST_PICTURE + 1)), FORM, 400),
        (b"no form", FORM, 400),
        (b"", FORM, 400),
        (form(b"x"), "multipart/form-data", 400),
        (form(b"x"), "text/plain", 415),
    ):
        refused = await stage("POST", f"{V1}/attachments", raw=raw, media=media)
        assert refused.status == status, (raw[:20], media, refused)


def bomb() -> bytes:
    """A few kilobytes that unpack to a gigabyte."""
    raw = io.BytesIO()
    with gzip.open(raw, "wb", compresslevel=9) as out:
        for _ in range(1024):
            out.write(bytes(1 << 20))
    return raw.getvalue()


def hard_link() -> bytes:
    """An archive with a link to a file of ours."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        info = tarfile.TarInfo("anchor/Chart.yaml")
        info.type, info.linkname = tarfile.LNKTYPE, "/etc/passwd"
        tar.addfile(info)
    return gzip.compress(raw.getvalue(), mtime=0)


CHART = {"anchor/Chart.yaml": json.dumps(meta("anchor"))}
ALIASES = "name: anchor\nversion: 1.0.0\na: &a [x]\nb: [*a, *a]\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain text", "gzip: invalid header"),
        (chart("anchor")[:-50], "unexpected EOF"),
        (gzip.compress(b"no tar" * 200, mtime=0), "can't be read"),
        (archive({"anchor/values.yaml": ""}), "Chart.yaml file is missing"),
        (archive({"anchor/Chart.yaml": "version: 1.0.0"}), "chart.metadata.name is required"),
        (archive({"anchor/Chart.yaml": "name: a\nversion: one"}), 'version "one" is invalid'),
        (archive({"anchor/Chart.yaml": "name: ../../a\nversion: 1.0.0"}), "is invalid"),
        (archive({"anchor/Chart.yaml": "- a"}), "no mapping"),
        (archive({"anchor/Chart.yaml": ALIASES}), "alias"),
        (archive({**CHART, "anchor/../../../etc/cron.d/x": "x"}), "within one folder"),
        (archive({**CHART, "/etc/passwd": "x"}), "within one folder"),
        (archive(CHART, links={"anchor/values.yaml": "/etc/passwd"}), "no plain file"),
        (hard_link(), "no plain file"),
        (bomb(), "once unpacked"),
        (archive({**CHART, **{f"anchor/{n}": "" for n in range(5001)}}), "more than 5000 files"),
    ],
)
async def test_packages_that_are_none(stage: Stage, data: bytes, text: str) -> None:
    """Torn, hostile and huge archives are named for what they are, cost little, and nothing is kept of them."""
    answer = await stage("POST", f"{WS1}/apps?validate=true", {"version_package": packed(data)})
    assert (answer.status, text in answer.json["error"]) == (200, True), answer
    made = await stage("POST", f"{WS1}/apps", {"name": "Bad", "version_package": packed(data)})
    assert made.status in (400, 422), made
    assert (await stage("GET", f"{WS1}/apps")).json["total_count"] == 0


async def test_bodies_that_are_none(stage: Stage) -> None:
    """No package, no base64, no name, another type: 400 with a reason."""
    package = packed(chart("anchor"))
    for body, text in (
        ({}, "EOF"),
        ({"version_package": "***"}, "base64"),
        ({"version_package": package}, "name of an app"),
        ({"version_package": package, "name": "x" * 200}, "name of an app"),
        ({"version_package": 7}, "version_package"),
        ({"version_package": package, "name": "a", "icon": "***"}, "base64"),
    ):
        made = await stage("POST", f"{WS1}/apps", body)
        assert (made.status, text in made.text) == (400, True), made
    assert (await stage("POST", f"{V1}/apps", {"name": "a", "version_package": package})).status == 400
