"""Pipelines through the gateway, role by role: who may see, start, stop and answer what, and who is told nothing."""

from __future__ import annotations

import asyncio
import base64
import json
import pathlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.faults.process import PASSWORD, Suite
from tests.faults.traffic import invite, user, workspace
from tests.suite import running

ADMIN = "Adm1n-first-Pass"
WORD = "Passw0rd-1"
V3 = "/kapis/devops.kubesphere.io/v1alpha3"
V2 = "/kapis/devops.kubesphere.io/v1alpha2"
IAM = "/kapis/iam.kubesphere.io/v1alpha2"
RAW = "/apis/devops.kubesphere.io/v1alpha3"
SCRIPT = """pipeline { agent any
stages {
  stage('Build') { steps {
    withCredentials([string(credentialsId: 'token', variable: 'T')]) { sh 'test ${#T} = 9 && echo "has $T"' }
  } }
  stage('Ask') { steps { input message: 'go?', submitter: 'olga' } }
} }"""


@dataclass
class House:
    """A project with a member of each role, one beside it, and how each asks."""

    session: aiohttp.ClientSession
    project: str = ""
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)

    async def __call__(self, method: str, path: str, body: Any = None, *, who: str = "admin") -> tuple[int, str]:
        async with self.session.request(method, path, json=body, headers=self.tokens.get(who, {})) as answer:
            return answer.status, await answer.text()

    async def made(self, method: str, path: str, body: Any, *, who: str = "admin") -> Any:
        status, text = await self(method, path, body, who=who)
        assert status == 200, (path, status, text)
        return json.loads(text)

    async def sign_in(self, name: str, word: str) -> None:
        form = {"grant_type": "password", "username": name, "password": word}
        form |= {"client_id": "kubesphere", "client_secret": "kubesphere"}
        async with self.session.post("/oauth/token", data=form) as answer:
            assert answer.status == 200, await answer.text()
            self.tokens[name] = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}

    async def until(self, path: str, text: str) -> str:
        """What the path says, once it says so."""
        async with asyncio.timeout(30):
            while text not in (found := (await self("GET", path))[1]):  # noqa: ASYNC110  # another process's doing
                await asyncio.sleep(0.05)
        return found


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    """olga is operator, vera viewer, arne admin of the project; wen views its workspace; eve is of none."""
    async with running(admin_password=ADMIN) as suite, aiohttp.ClientSession(suite.gateway) as session:
        made = House(session)
        await made.sign_in("admin", ADMIN)
        people = ("olga", "vera", "arne", "wen", "eve")
        invited = [invite("ws1", name) for name in people[:-1]]
        for command in (*map(user, people), workspace("ws1"), workspace("ws2"), *invited):
            await made.made(command.method, command.path, command.body)
        for name in people:
            await made.sign_in(name, WORD)
        wish = {"metadata": {"generateName": "works"}}
        project = await made.made("POST", f"{V3}/workspaces/ws1/devops", wish)
        made.project = project["metadata"]["name"]
        roles = {"olga": "operator", "vera": "viewer", "arne": "admin"}
        members = [{"username": name, "roleRef": role} for name, role in roles.items()]
        await made.made("POST", f"{IAM}/devops/{made.project}/members", members)
        secret = {"secret": base64.b64encode(b"hush-4711").decode()}
        kind = "credential.devops.kubesphere.io/secret-text"
        credential = {"metadata": {"name": "token"}, "type": kind, "data": secret}
        await made.made("POST", f"{V3}/devops/{made.project}/credentials", credential)
        spec = {"type": "pipeline", "pipeline": {"name": "build", "jenkinsfile": SCRIPT}}
        pipeline = {"metadata": {"name": "build"}, "spec": spec}
        await made.made("POST", f"{V3}/devops/{made.project}/pipelines", pipeline, who="arne")
        yield made


async def test_each_role_does_what_it_may_and_no_more() -> None:
    """Reading is for members and who views the workspace, writing and starting for operators and admins; an outsider or
    nobody, is refused; and nobody reads a secret.
    """
    async with house() as ask:
        base, ns = f"{V3}/devops/{ask.project}", f"{V3}/namespaces/{ask.project}"
        run = (await ask.made("POST", f"{ns}/pipelines/build/pipelineruns", {}, who="olga"))["metadata"]["name"]
        first = f"{V2}/devops/{ask.project}/pipelines/build/runs/1"
        await ask.until(first, '"PAUSED"')
        reads = (
            f"{base}/pipelines",
            f"{base}/pipelines/build",
            f"{base}/credentials",
            f"{base}/credentials/token",
            f"{ns}/pipelines/build/pipelineruns",
            f"{ns}/pipelineruns/{run}",
            f"{ns}/pipelineruns/{run}/nodedetails",
            f"{V2}/devops/{ask.project}/pipelines/build/runs",
            first,
            f"{first}/nodes",
            f"{first}/nodesdetail",
            f"{first}/nodes/1/steps",
            f"{first}/log/?start=0",
            f"{first}/artifacts/",
            f"{RAW}/namespaces/{ask.project}/pipelines",
            f"{RAW}/namespaces/{ask.project}/pipelineruns/{run}",
        )
        for path in reads:
            for who in ("olga", "vera", "arne", "wen", "admin"):
                status, text = await ask("GET", path, who=who)
                assert status == 200, (who, path, status, text)
                assert "hush-4711" not in text
                assert base64.b64encode(b"hush-4711").decode() not in text
            for who in ("eve", ""):
                status, text = await ask("GET", path, who=who)
                assert status in (401, 403), (who, path, status, text)
                assert run not in text or path.endswith(run) or run in path
        assert "has ****" in (await ask("GET", f"{first}/log?start=0", who="vera"))[1]
        spec = {"type": "pipeline", "pipeline": {"jenkinsfile": SCRIPT}}
        writes: tuple[tuple[str, str, Any], ...] = (
            ("POST", f"{base}/pipelines", {"metadata": {"name": "more"}, "spec": spec}),
            ("PUT", f"{base}/pipelines/build", {"metadata": {"name": "build"}, "spec": spec}),
            ("PUT", f"{base}/pipelines/build/jenkinsfile?mode=raw", {"data": SCRIPT}),
            ("POST", f"{ns}/pipelines/build/pipelineruns", {}),
            ("POST", f"{V2}/devops/{ask.project}/pipelines/build/runs", {}),
            ("POST", f"{first}/replay", {}),
            ("POST", f"{first}/stop", {}),
            ("DELETE", f"{base}/pipelines/more", None),
        )
        for method, path, body in writes:
            for who in ("vera", "wen", "eve", ""):
                assert (await ask(method, path, body, who=who))[0] in (401, 403), (who, method, path)
        for method, path, body in writes:
            assert (await ask(method, path, body, who="olga"))[0] == 200, (method, path)
        credential = {"metadata": {"name": "x"}, "type": "credential.devops.kubesphere.io/secret-text", "data": {}}
        for who, wanted in (("vera", 403), ("wen", 403), ("eve", 403), ("arne", 200)):
            assert (await ask("POST", f"{base}/credentials", credential, who=who))[0] == wanted
        assert (await ask("DELETE", f"{base}/credentials/token", who="vera"))[0] == 403


async def test_an_answer_counts_from_whom_it_names() -> None:
    """A viewer may answer nothing; a member whose word doesn't count is told so; who is named lets the run go on."""
    async with house() as ask:
        await ask.made("POST", f"{V3}/namespaces/{ask.project}/pipelines/build/pipelineruns", {}, who="admin")
        first = f"{V2}/devops/{ask.project}/pipelines/build/runs/1"
        await ask.until(first, '"PAUSED"')
        nodes = json.loads((await ask("GET", f"{first}/nodesdetail/", who="olga"))[1])
        step = next(step for node in nodes for step in node["steps"] if step["input"])
        node = next(node for node in nodes if node["input"])
        assert step["aprovable"] is True
        path = f"{first}/nodes/{node['id']}/steps/{step['id']}/"
        word = {"id": "x", "abort": False}
        assert (await ask("POST", path, word, who="vera"))[0] == 403
        assert (await ask("POST", path, word, who="eve"))[0] == 403
        refused = await ask.made("POST", path, word, who="admin")
        assert refused["allow"] == "false"
        assert (await ask("POST", path, word, who="olga"))[0] == 200
        assert '"SUCCESS"' in await ask.until(first, '"FINISHED"')


async def test_one_project_knows_nothing_of_another() -> None:
    """Names of a project are none in another, not even for who is an administrator of both; a credential of one is
    lent to no run of the other.
    """
    async with house() as ask:
        wish = {"metadata": {"generateName": "other"}}
        other = (await ask.made("POST", f"{V3}/workspaces/ws2/devops", wish))["metadata"]["name"]
        run = (await ask.made("POST", f"{V3}/namespaces/{ask.project}/pipelines/build/pipelineruns", {}))["metadata"]
        for path in (
            f"{V3}/devops/{other}/pipelines/build",
            f"{V3}/devops/{other}/credentials/token",
            f"{V3}/namespaces/{other}/pipelines/build/pipelineruns",
            f"{V3}/namespaces/{other}/pipelineruns/{run['name']}",
            f"{V3}/namespaces/{other}/pipelineruns/{run['name']}/nodedetails",
            f"{V2}/devops/{other}/pipelines/build/runs/1",
            f"{V2}/devops/{other}/pipelines/build/runs/1/log",
            f"{RAW}/namespaces/{other}/pipelineruns/{run['name']}",
        ):
            assert (await ask("GET", path))[0] == 404, path
            assert (await ask("GET", path, who="arne"))[0] == 403, path
        spec = {"type": "pipeline", "pipeline": {"name": "thief", "jenkinsfile": SCRIPT}}
        await ask.made("POST", f"{V3}/devops/{other}/pipelines", {"metadata": {"name": "thief"}, "spec": spec})
        await ask.made("POST", f"{V3}/namespaces/{other}/pipelines/thief/pipelineruns", {})
        first = f"{V2}/devops/{other}/pipelines/thief/runs/1"
        assert '"FAILURE"' in await ask.until(first, '"FINISHED"')
        assert "no credential" in (await ask("GET", f"{first}/log"))[1]


async def test_what_a_run_tells() -> None:
    """Everything that becomes of a run is told under one subject and one trace, to members of its workspace."""
    async with house() as ask:
        await ask.made("POST", f"{V3}/namespaces/{ask.project}/pipelines/build/pipelineruns", {}, who="arne")
        first = f"{V2}/devops/{ask.project}/pipelines/build/runs/1"
        await ask.until(first, '"PAUSED"')
        await ask.made("POST", f"{first}/stop", {}, who="arne")
        await ask.until(first, '"FINISHED"')
        path = "/kapis/events.orrery.io/v1/events?limit=1000"
        listed = json.loads(await ask.until(path, "RunFinished"))["items"]
        mine = [one for one in listed if one["subject"].startswith(f"pipelineruns/{ask.project}/")]
        names = [one["type"].rpartition(".")[2] for one in mine]
        assert names[:2] == ["RunQueued", "RunStarted"]
        assert names[-1] == "RunFinished"
        traces = {one["traceparent"].split("-")[1] for one in mine if "StopAsked" not in one["type"]}
        assert len(traces) == 1
        assert {one["workspace"] for one in mine} == {"ws1"}
        seen = json.loads((await ask("GET", path, who="eve"))[1])["items"]
        assert not [one for one in seen if one["subject"].startswith("pipelineruns/")]


LONG = """pipeline { agent any
stages {
  stage('First') { steps { sh 'echo first-$BUILD_NUMBER >> trace' } }
  stage('Second') { steps {
    retry(2) { sh 'echo try >> trace; echo began; test $(grep -c try trace) = 2 || sleep 300' }
  } }
  stage('Third') { steps { sh 'echo; cat trace' } }
} }"""


async def test_killed_in_the_middle_of_a_run(tmp_path: pathlib.Path) -> None:
    """The whole suite dies by SIGKILL: its steps die with it, and the next one goes on with the run and its log; each
    thing is told once.
    """
    (tmp_path / "data").mkdir()
    suite = Suite(tmp_path / "data", "outbox:")
    await suite.start()
    async with aiohttp.ClientSession(suite.base) as session:
        ask = House(session)
        await ask.sign_in("admin", PASSWORD)
        project = (await ask.made("POST", f"{V3}/workspaces/ws1/devops", {"metadata": {"generateName": "w"}}))[
            "metadata"
        ]
        base, first = f"{V3}/devops/{project['name']}", f"{V2}/devops/{project['name']}/pipelines/build/runs/1"
        spec = {"type": "pipeline", "pipeline": {"name": "build", "jenkinsfile": LONG}}
        await ask.made("POST", f"{base}/pipelines", {"metadata": {"name": "build"}, "spec": spec})
        await ask.made("POST", f"{V3}/namespaces/{project['name']}/pipelines/build/pipelineruns", {})
        before = await ask.until(f"{first}/log?start=0", "\nbegan\n")
        assert suite.process is not None
        suite.process.kill()
        await suite.process.wait()
        await suite.start()
        await ask.until(first, '"FINISHED"')
        status, log = await ask("GET", f"{first}/log?start=0")
        assert status == 200
        assert log.startswith(before)
        assert "sh was interrupted" in log
        assert log.rpartition("+ cat trace\n")[2].startswith("first-1\ntry\ntry\n")
        assert '"SUCCESS"' in (await ask("GET", first))[1]
        path = "/kapis/events.orrery.io/v1/events?limit=1000"
        listed = json.loads(await ask.until(path, "RunFinished"))["items"]
        names = [one["type"].rpartition(".")[2] for one in listed if one["subject"].startswith("pipelineruns/")]
        assert names == ["RunQueued", "RunStarted", *["StageFinished"] * 3, "RunFinished"]
    assert await suite.stop() == 0, suite.tail()
