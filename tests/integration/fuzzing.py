"""Things for made-up requests to be about, the described API pointed at them, and what each operation answered."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import pathlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.faults.process import PASSWORD, Suite

IAM = "/kapis/iam.kubesphere.io/v1alpha2"
RAW = "/apis/iam.kubesphere.io/v1alpha2"
TENANT = "/kapis/tenant.kubesphere.io/v1alpha3"
HERE = IAM + "/workspaces/kept-ws"
CLIENT = {"client_id": "kubesphere", "client_secret": "kubesphere"}
PLAIN = "plain"
"""Somebody without rights but those in his workspace."""
KEPT, SPARE, OTHER = "kept", "spare", "other"
"""There is one of each name of everything; spare ones are deleted through `/kapis`, others through `/apis`."""
LEFT_OUT = re.compile(
    r"/oauth/logout|/watch/|/kapis/tenant\.kubesphere\.io/v1alpha2/|/subscriptions|/devops"
    r"|(alerting|notification|servicemesh)\.kubesphere\.io|alerting\.orrery|openpitrix\.io|/v1/es"
    r"|/namespaces|/kapis/resources\.kubesphere\.io/"
)
"""Signing out would end the session that asks, a watch has no end, and v1alpha2 is v1alpha3 by another name.
Subscriptions want a receiver, DevOps projects get names of their own, which no example can know, and what lives in a
cluster wants one: their services' tests walk bad bodies. Of alerting, receivers, traffic, the app store and bulk intake
nothing is furnished yet, so that most requests would find nothing.
"""
METADATA = ("name", "labels", "annotations", "resourceVersion")
CHECKS = "response_schema_conformance,content_type_conformance,status_code_conformance"
EXAMPLES = 4
SETTINGS = """
[phases.coverage]
unexpected-methods = ["PUT"]

[[operations]]
include-method = ["PUT", "PATCH", "DELETE"]
phases.coverage.enabled = false
"""
"""Every value that a schema forbids, in every field, is tried with POST; what is PUT is of the same schemas."""
METHODS = ("get", "post", "put", "patch", "delete")
Json = dict[str, Any]


def named(noun: str, word: str) -> str:
    """The name of the thing of this word."""
    endings = {"workspacetemplates": "{}-ws", "workspaces": "{}-ws", "workspaceroles": "kept-ws-{}"}
    return endings.get(noun, "{}").format(word)


def body(noun: str, word: str) -> Any:
    """What makes the thing of this word."""
    metadata: Json = {"name": named(noun, word)}
    match noun:
        case "users":
            return {"metadata": metadata, "spec": {"email": f"{word}@example.com", "password": PASSWORD}}
        case "workspacetemplates" | "workspaces":
            return {"metadata": metadata, "spec": {"template": {"spec": {"manager": "admin"}}, "placement": {}}}
        case "workspacemembers":
            return [{"username": KEPT, "roleRef": "kept-ws-viewer"}]
        case "globalrolebindings":
            role = {"kind": "GlobalRole", "name": "platform-regular"}
            return {"metadata": metadata, "subjects": [{"kind": "Group", "name": word}], "roleRef": role}
        case "workspacerolebindings":
            metadata["labels"] = {"kubesphere.io/workspace": "kept-ws"}
            role = {"kind": "WorkspaceRole", "name": "kept-ws-viewer"}
            return {"metadata": metadata, "subjects": [{"kind": "Group", "name": word}], "roleRef": role}
        case _:
            metadata["labels"] = {"kubesphere.io/workspace": "kept-ws"}
            template = "role-template-view-users" if noun == "globalroles" else "role-template-view-members"
            metadata["annotations"] = {"iam.kubesphere.io/aggregation-roles": f'["{template}"]'}
            return {"metadata": metadata}


@dataclass
class Client:
    """Somebody who is signed in."""

    session: aiohttp.ClientSession
    base: str
    token: str = ""

    async def sign_in(self, user: str) -> str:
        """An access token."""
        form = {"grant_type": "password", "username": user, "password": PASSWORD, **CLIENT}
        async with self.session.post(self.base + "/oauth/token", data=form) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["access_token"])

    async def ask(self, method: str, path: str, sent: Any = None) -> Any:
        """The answer's JSON; anything but a good one is an error."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.request(method, self.base + path, json=sent, headers=headers) as answer:
            assert answer.status < 300, (method, path, await answer.text())
            return await answer.json()


async def furnish(client: Client) -> None:
    """One thing of each word, of every kind, and the plain user in a workspace."""
    await client.ask("POST", IAM + "/users", body("users", PLAIN))
    for word in (KEPT, SPARE, OTHER):
        for place, noun in ((IAM, "users"), (TENANT, "workspacetemplates"), (IAM, "globalroles")):
            await client.ask("POST", f"{place}/{noun}", body(noun, word))
        await client.ask("POST", HERE + "/workspaceroles", body("workspaceroles", word))
        for noun in ("globalrolebindings", "workspacerolebindings"):
            await client.ask("POST", f"{RAW}/{noun}", body(noun, word))
    members = [{"username": name, "roleRef": "kept-ws-viewer"} for name in (KEPT, SPARE, OTHER, PLAIN)]
    await client.ask("POST", HERE + "/workspacemembers", members)


async def pointed(document: Json, client: Client) -> Json:
    """The document with paths that lead to what is there, with examples that are taken, and without endless streams."""
    document = thinned(document)
    for number, (path, method, operation) in enumerate(operations(document["paths"])):
        operation["parameters"] = [p for p in operation["parameters"] if p["name"] not in ("follow", "watch")]
        goes = OTHER if path.startswith("/apis/") else SPARE
        for parameter in operation["parameters"]:
            if parameter["in"] == "path":
                parameter.update(somewhere(path, parameter["name"], goes if method == "delete" else KEPT))
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            example = await taken(path, method, media, f"made{number}", client)
            if example is not None:
                content["example"] = example
    return document


def thinned(document: Json) -> Json:
    """The document without watches and second spellings, and of metadata the fields that anything hangs on: wrong
    values of every other one, on every route, would take minutes.
    """
    document = copy.deepcopy(document)
    document["paths"] = {path: told for path, told in document["paths"].items() if not LEFT_OUT.search(path)}
    for name, schema in document["components"]["schemas"].items():
        if ".ObjectMeta" in name:
            schema["properties"] = {field: schema["properties"][field] for field in METADATA}
    for _, method, operation in operations(document["paths"]):
        content = operation.get("requestBody", {}).get("content", {})
        if method == "patch" and len(content) > 1:
            content.pop("application/json", None)
    return document


def somewhere(path: str, parameter: str, word: str) -> Json:
    """Values of a path parameter: the thing of this word where it is the last, and a missing one."""
    noun, _, rest = path.partition(f"/{{{parameter}}}")
    found = named(noun.rpartition("/")[2], KEPT if rest else word)
    return {"schema": {"type": "string", "enum": [found, "missing"]}, "example": found}


def operations(paths: Json) -> Iterator[tuple[str, str, Json]]:
    """Each path, method and operation."""
    for path, found in paths.items():
        for method in METHODS:
            if method in found:
                yield path, method, found[method]


FIXED: dict[tuple[str, str], Any] = {
    ("post", "token"): {"grant_type": "password", "username": PLAIN, "password": PASSWORD, **CLIENT},
    ("put", "password"): {"password": PASSWORD},
    ("put", "workspacemembers"): {"username": KEPT, "roleRef": "kept-ws-regular"},
    ("post", "release"): None,
    ("post", "resend"): None,
}


async def taken(path: str, method: str, media: str, word: str, client: Client) -> Any:
    """A body that this operation takes, or None where it takes any or none."""
    noun = re.sub(r"/{\w+}$", "", path).rpartition("/")[2]
    found: Any = {}
    match (method, noun):
        case key if key in FIXED:
            found = FIXED[key]
        case ("put", _):
            place = path.replace("{workspace}/", "kept-ws/").rpartition("/")[0]
            found = await client.ask("GET", f"{place}/{named(noun, KEPT)}")
        case ("patch", _) if "merge" in media:
            found = {"metadata": {"annotations": {"made": word}}}
        case ("patch", _):
            found = [{"op": "add", "path": "/metadata/annotations/made", "value": word}]
        case ("post", _):
            found = body(noun, word)
    return found


@dataclass
class Outcome:
    """What a run said, and which statuses each operation answered how often."""

    code: int
    said: str
    statuses: dict[str, Counter[int]] = field(default_factory=dict)

    def answered(self, low: int, high: int) -> set[str]:
        """Operations that answered with such a status at least once."""
        return {name for name, seen in self.statuses.items() if any(low <= status <= high for status in seen)}


async def fuzz(suite: Suite, folder: pathlib.Path, document: Json, token: str, phases: str) -> Outcome:
    """Run these phases of schemathesis over the document as the bearer of this token."""
    page, report = folder / "openapi.json", folder / "report.ndjson"
    page.write_text(json.dumps(document))
    (folder / "schemathesis.toml").write_text(SETTINGS)
    process = await asyncio.create_subprocess_exec(
        *(str(pathlib.Path(sys.executable).with_name("schemathesis")), "run", str(page), "--url", suite.base),
        *("--header", f"Authorization: Bearer {token}", "--checks", CHECKS, "--max-examples", str(EXAMPLES)),
        *("--phases", phases, "--generation-deterministic", "--no-color", "--no-shrink"),
        *("--continue-on-failure", "--request-timeout", "15", "--warnings", "off"),
        *("--report", "ndjson", "--report-ndjson-path", str(report)),
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    outcome = Outcome(process.returncode or 0, printed.decode(errors="replace"))
    for line in report.read_text().splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for exchange in recorder.get("interactions", {}).values():
            status = (exchange["response"] or {}).get("status_code", 0)
            outcome.statuses.setdefault(recorder["label"], Counter())[status] += 1
    return outcome
