"""Runs: what a Jenkinsfile's words do, and what is told and shown of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.devops.tests.stage import V3
from services.devops.tests.yard import Yard, around, until, yard_in

PARALLEL = """pipeline {
  agent any
  environment { GREETING = 'hello'; WHOM = "${GREETING}-${params.WHO}" }
  parameters { string(name: 'WHO', defaultValue: 'all'); booleanParam(name: 'LOUD', defaultValue: false) }
  stages {
    stage('Build') { steps { sh 'echo "$WHOM from $BUILD_NUMBER"' } }
    stage('Check') {
      parallel {
        stage('Left') { steps { sh 'echo left' } }
        stage('Right') { stages { stage('Inner') { steps { sh 'echo right' } } } }
      }
    }
    stage('Loud') { when { expression { params.LOUD } }; steps { echo 'LOUD' } }
  }
  post { always { echo 'that was all' }; failure { echo 'never' } }
}
"""


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    async with yard_in(tmp_path) as made:
        yield made


async def test_a_run_from_its_start_to_its_end(yard: Yard) -> None:
    """Stages in order and side by side, environment, parameters, when, post: logged, shown and told, under one
    subject, in its workspace.
    """
    assert (await yard.pipeline(PARALLEL)).status == 200
    started = await yard.start(WHO="me")
    assert started.json["spec"]["parameters"] == [{"name": "WHO", "value": "me"}]
    assert (await yard.finished())["result"] == "SUCCESS"
    log = await yard.log()
    for text in ("hello-me from 1\n", "left\n", "right\n", "that was all\n", "Finished: SUCCESS\n"):
        assert text in log
    assert "never" not in log
    nodes = {node["displayName"]: node for node in await yard.get(1, "/nodesdetail")}
    assert list(nodes) == ["Build", "Check", "Left", "Right", "Inner", "Loud", "Declarative: Post Actions"]
    assert nodes["Check"]["edges"] == [{"id": nodes[n]["id"], "type": "PARALLEL"} for n in ("Left", "Right")]
    assert nodes["Left"]["edges"] == [{"id": nodes["Loud"]["id"], "type": "STAGE"}]
    assert (nodes["Loud"]["state"], nodes["Loud"]["result"]) == ("SKIPPED", "NOT_BUILT")
    assert nodes["Build"]["steps"][0]["displayName"] == "Shell Script"
    told = [one for one in await yard.stage.told() if one.subject.startswith("pipelineruns/")]
    assert [one.name for one in told[:2]] == ["RunQueued", "RunStarted"]
    assert told[-1].name == "RunFinished"
    assert {one.workspace for one in told} == {"ws1"}
    stages = {json.loads(one.data)["stage"]: json.loads(one.data) for one in told if one.name == "StageFinished"}
    assert stages.keys() == nodes.keys()
    assert stages["Build"]["result"] == "SUCCESS"
    assert "me" not in json.loads(told[0].data).values()


async def test_numbers_and_lists(yard: Yard) -> None:
    """Runs are numbered within their pipeline, found by name and number, listed newest first in both dialects."""
    await yard.pipeline(around("echo 'x'"))
    await yard.pipeline(around("echo 'y'"), "other")
    names = [(await yard.start()).json["metadata"]["name"] for _ in range(3)]
    assert (await yard.start("other")).json["metadata"]["annotations"][
        "devops.kubesphere.io/jenkins-pipelinerun-id"
    ] == "1"
    await yard.finished(3)
    many = f"{V3}/namespaces/{yard.project}/pipelines/build/pipelineruns"
    objects = (await yard.stage("GET", f"{many}?backward=false&limit=2")).json
    assert [item["metadata"]["name"] for item in objects["items"]] == names[:0:-1]
    assert objects["totalItems"] == 3
    assert [item["id"] for item in (await yard.stage("GET", many)).json["items"]] == ["3", "2", "1"]
    old = (await yard.stage("GET", f"{yard.of(1).rpartition('/')[0]}?start=1&limit=1")).json
    assert ([item["id"] for item in old["items"]], old["totalItems"]) == (["2"], 3)
    one = (await yard.stage("GET", f"{V3}/namespaces/{yard.project}/pipelineruns/{names[0]}")).json
    assert one["status"]["phase"] == "Succeeded"
    raw = f"/apis/devops.kubesphere.io/v1alpha3/namespaces/{yard.project}/pipelineruns/{names[0]}"
    assert (await yard.stage("GET", raw)).json["metadata"]["uid"] == one["metadata"]["uid"]


async def test_log_by_offsets(yard: Yard) -> None:
    """The log is read on from where the last reading ended; its end says that no more comes. Steps have their own."""
    await yard.pipeline(around("echo 'one'", "echo 'two'", "input 'go?'"))
    await yard.start()
    node, step = await yard.waiting_input()
    first = await yard.stage("GET", f"{yard.of()}/log?start=0")
    assert first.headers["X-More-Data"] == "true"
    size = int(first.headers["X-Text-Size"])
    assert size == len(first.text.encode())
    assert (await yard.stage("POST", f"{yard.of()}/nodes/{node}/steps/{step}", {"id": "x"})).status == 200
    await yard.finished()
    rest = await yard.stage("GET", f"{yard.of()}/log?start={size}")
    assert "X-More-Data" not in rest.headers
    assert rest.text == "Approved by admin\nFinished: SUCCESS\n"
    assert (await yard.stage("GET", f"{yard.of()}/log?start=99999")).text == ""
    steps = await yard.get(1, f"/nodes/{node}/steps")
    assert await yard.log(1, query=f"?start={size - 4}") != ""
    own = await yard.stage("GET", f"{yard.of()}/nodes/{node}/steps/{steps[1]['id']}/log")
    assert own.text == "two\n"
    tail = await yard.stage("GET", f"{yard.of()}/log?thresholdInKB=1")
    assert tail.text.endswith("Finished: SUCCESS\n")


@pytest.mark.parametrize(
    ("script", "result", "said"),
    [
        (around("sh 'exit 3'", "echo 'not reached'"), "FAILURE", "script returned exit code 3"),
        (around("error 'broken today'"), "FAILURE", "ERROR: broken today"),
        (around("sh 'kill -9 $$'"), "FAILURE", "killed by signal 9"),
        (around("retry(3) { sh 'echo try >> n; test $(wc -l < n) = 3' }"), "SUCCESS", "attempt 3 of 3"),
        (around("retry(2) { error 'again' }"), "FAILURE", "attempt 2 of 2"),
        (around("dir('sub/deep') { sh 'echo in $(basename $PWD)' }"), "SUCCESS", "in deep"),
        (around("dir('../out') { echo 'x' }"), "FAILURE", "without a way out"),
        (around("withEnv(['A=1', \"B=${A}2\"]) { sh 'echo $A-$B' }"), "SUCCESS", "1-12"),
        (around('echo "${NOTHING}"'), "FAILURE", "there is no variable NOTHING"),
        (around('echo "${env.NOTHING}"'), "SUCCESS", "null"),
        (around("sh '#!/bin/sh\\necho plain'"), "SUCCESS", "plain"),
        (around("sh 'env | sort'"), "SUCCESS", "BUILD_NUMBER=1"),
        (around("sh 'sleep 60 & echo left'"), "SUCCESS", "left"),
        (around("archiveArtifacts 'none/**'"), "FAILURE", "no file of the workspace"),
        (around("withCredentials([string(credentialsId: 'no', variable: 'X')]) { echo 'x' }"), "FAILURE", "has no"),
        (around("git 'file:///etc'"), "FAILURE", "http:// or https://"),
        (around("git 'ext::sh -c id'"), "FAILURE", "the URL can't be read"),
        (around("git 'http://10.0.0.1/x.git'"), "FAILURE", "may not be reached from here"),
        (around("git url: 'http://127.0.0.1/x', branch: '--upload-pack=id'"), "FAILURE", "a branch, tag or commit"),
        (around("echo 'x'", head="options { retry(2) }", tail="post { always { error 'late' } }"), "FAILURE", "late"),
        (around("error 'e'", tail="post { failure { echo 'F' }; success { echo 'S' } }"), "FAILURE", "F\n"),
        (around("echo 'e'", tail="post { changed { echo 'C' }; cleanup { echo 'Z' } }"), "SUCCESS", "C\nZ\n"),
    ],
)  # fmt: skip
async def test_what_steps_do(yard: Yard, script: str, result: str, said: str) -> None:
    """Each word does what it says, and where it can't the log says why."""
    ended, log = await yard.ran(script)
    assert (ended, said in log) == (result, True), log
    assert "not reached" not in log


async def test_fail_fast_ends_its_neighbours(yard: Yard) -> None:
    """The first failure ends the stages beside it, which say so; what is done afterwards is done."""
    script = """pipeline { agent any
stages { stage('Both') { failFast true
parallel {
  stage('Slow') { steps { sh 'sleep 60' }; post { aborted { echo 'slow was ended' } } }
  stage('Bad') { steps { sh 'sleep 0.2; exit 1' } }
} } } }"""
    await yard.pipeline(script)
    await yard.start()
    assert (await yard.finished())["result"] == "FAILURE"
    nodes = {node["displayName"]: node["result"] for node in await yard.get(1, "/nodes")}
    assert nodes == {"Both": "FAILURE", "Slow": "ABORTED", "Bad": "FAILURE"}
    assert "slow was ended" in await yard.log()


async def test_credentials_are_lent_and_hidden(yard: Yard) -> None:
    """A lent secret reaches the step, in no form the log, the stages, or what is told; its file is gone afterwards."""
    secret = "s3cr3t with 'quotes' & more"
    await yard.credential("token", "secret-text", secret=secret)
    await yard.credential("pair", "basic-auth", username="ann", password="p4ssw0rd")
    await yard.credential("key", "ssh-auth", username="git", passphrase="", private_key="BEGIN\nline-of-key\nEND")
    script = around(
        "withCredentials([string(credentialsId: 'token', variable: 'T'), usernamePassword(credentialsId: 'pair', "
        "usernameVariable: 'U', passwordVariable: 'P'), sshUserPrivateKey(credentialsId: 'key', "
        "keyFileVariable: 'K')]) {",
        'sh \'echo "$T"; printf %s "$T" | base64 -w0; echo; echo "$U $P"; cat $K; test ${#T} = 27; echo $K > where\'',
        'echo "told ${T}"',
        "}",
        "sh 'test -z \"$T\"; test ! -e $(cat where)'",
        "error 'p4ssw0rd in a reason'",
        head="environment { B = credentials('pair') }",
    )
    result, log = await yard.ran(script)
    assert result == "FAILURE"
    assert "**** in a reason" in log
    assert "ann ****" in log
    shown = json.dumps(await yard.get(1, "/nodesdetail", name="p0")) + json.dumps(await yard.get(name="p0"))
    told = "".join(one.data for one in await yard.stage.told())
    for text in (log, shown, told):
        for hidden in ("s3cr3t", "p4ssw0rd", "line-of-key", "czNjcjN0"):
            assert hidden not in text


async def test_passwords_given_are_sealed(yard: Yard) -> None:
    """The value of a password reaches the step, and nobody who reads the run."""
    await yard.pipeline(around("sh 'test ${#PASS} = 9 && echo $PASS'", head="parameters { password(name: 'PASS') }"))
    started = await yard.start(PASS="hush-hush")
    assert "hush" not in started.text
    assert (await yard.finished())["result"] == "SUCCESS"
    assert "hush" not in await yard.log()


async def test_artifacts_are_kept(yard: Yard) -> None:
    """Files that patterns name are kept and given out; links out of the workspace, and what is excluded, never are."""
    script = around(
        "sh 'mkdir -p out/a; echo one > out/a/x.txt; echo two > out/y.log'",
        "sh 'ln -s /etc/passwd out/p.txt; ln -s /etc out/e'",
        "archiveArtifacts artifacts: 'out/**', excludes: '**/*.log'",
    )
    result, log = await yard.ran(script)
    assert (result, "Archiving artifacts: 1\n" in log) == ("SUCCESS", True), log
    listed = await yard.get(1, "/artifacts", name="p0")
    assert [(one["path"], one["size"]) for one in listed] == [("out/a/x.txt", 4)]
    assert (await yard.stage("GET", listed[0]["url"])).text == "one\n"
    for name in ("../../devops.db", "/etc/passwd", "out/e/passwd", "", "out"):
        path = listed[0]["url"].partition("?")[0]
        assert (await yard.stage("GET", f"{path}?filename={name}")).status == 404


async def test_stop(yard: Yard) -> None:
    """A run that is stopped ends with its processes, says by whom, and does what is to be done afterwards; one that
    waits its turn ends at once; one that has ended stays as it is.
    """
    await yard.pipeline(around("sh 'echo begun; sleep 300'", tail="post { aborted { echo 'was stopped' } }"))
    await yard.start()

    async def begun() -> bool:
        return "begun" in await yard.log()

    await until(begun)
    assert (await yard.stage("POST", f"{yard.of()}/stop", who="dora")).status == 200
    found = await yard.finished()
    assert (found["result"], found["description"]) == ("ABORTED", "stopped by dora")
    assert "was stopped" in await yard.log()
    assert (await yard.stage("POST", f"{yard.of()}/stop")).json["result"] == "ABORTED"
    assert [one.name for one in await yard.stage.told("RunStopAsked", "RunFinished")] == ["RunStopAsked", "RunFinished"]


async def test_input_is_answered_by_whom_it_names(yard: Yard) -> None:
    """Somebody else is told so with status 200; who is named, or made the pipeline, lets it go on or ends it; nobody
    answers twice.
    """
    script = around("input message: 'ship it?', submitter: 'ann, bob', ok: 'Ship'", "echo 'shipped'")
    await yard.pipeline(script, who="dora")
    await yard.start()
    node, step = await yard.waiting_input()
    path = f"{yard.of()}/nodes/{node}/steps/{step}"
    refused = await yard.stage("POST", path, {"abort": False}, who="eve")
    assert (refused.status, refused.json["allow"]) == (200, "false")
    for who, word in (("eve", False), ("ann", True), ("dora", True)):
        steps = (await yard.stage("GET", f"{yard.of()}/nodes/{node}/steps", who=who)).json
        assert (steps[0]["aprovable"], steps[0]["input"]["ok"]) == (word, "Ship")
    assert (await yard.stage("POST", path, {}, who="bob")).status == 200
    assert (await yard.finished())["result"] == "SUCCESS"
    assert "Approved by bob" in await yard.log()
    assert (await yard.stage("POST", path, {}, who="bob")).status == 400
    await yard.start()
    node, step = await yard.waiting_input(2)
    assert (
        await yard.stage("POST", f"{yard.of(2)}/nodes/{node}/steps/{step}", {"abort": True}, who="dora")
    ).status == 200
    assert (await yard.finished(2))["result"] == "ABORTED"
    assert [one.name for one in await yard.stage.told("InputAwaited", "InputGiven")] == [
        "InputAwaited",
        "InputGiven",
    ] * 2


async def test_replay(yard: Yard) -> None:
    """A run is done again with its parameters, under a number of its own."""
    await yard.pipeline(around("sh 'echo for $WHO'", head="parameters { string(name: 'WHO') }"))
    await yard.start(WHO="carol")
    await yard.finished()
    again = await yard.stage("POST", f"{yard.of()}/replay")
    assert again.json["id"] == "2"
    await yard.finished(2)
    assert "for carol" in await yard.log(2)
