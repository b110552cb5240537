"""What users may send to hurt: hostile text, sizes, floods, bombs. Each ends in a clear word, and hurts nobody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.devops.tests.stage import V3
from services.devops.tests.yard import Yard, around, yard_in

HOSTILE = '\'; touch /tmp/owned; echo "$(id)" `id` ${7*7} {{x}} \n --upload-pack=x'


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    async with yard_in(tmp_path, processes=40, log_mib=1, file_mib=2, workspace_mib=8, memory_mib=512) as made:
        yield made


async def test_a_hostile_parameter_is_a_text(yard: Yard) -> None:
    """Shell and Groovy in a parameter reach the step as the text that they are."""
    script = around("sh 'printf %s \"$P\" | sha256sum'", 'echo "${params.P}"', head="parameters { string(name: 'P') }")
    result, log = await yard.ran(script, P=HOSTILE)
    assert result == "SUCCESS"
    assert HOSTILE in log
    assert "uid=" not in log
    assert "49" not in log.partition("{{x}}")[0].rpartition("touch")[2]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ([{"name": "PICK", "value": "z"}], "takes one of a, b"),
        ([{"name": "LOUD", "value": "maybe"}], "takes true or false"),
        ([{"name": "WHO", "value": "a\x00b"}], "NUL"),
        ([{"name": "WHO", "value": "x" * 70_000}], "64 KiB"),
        ([{"name": f"P{n}", "value": "x"} for n in range(101)], "at most 100"),
        ([{"value": "x"}], "a parameter's name"),
        ([{"name": "WHO", "value": ["x"]}], "a text"),
        ({"name": "WHO"}, "a list of objects"),
        ("WHO", "a list of objects"),
        ([{"name": 7, "value": "x"}], "should be text"),
    ],
)
async def test_bad_parameters_start_nothing(yard: Yard, parameters: Any, said: str) -> None:
    """Wrong types, sizes and values are 400 with a reason, and no run is made."""
    head = (
        "parameters { string(name: 'WHO'); choice(name: 'PICK', choices: ['a', 'b']); "
        "booleanParam(name: 'LOUD', defaultValue: true) }"
    )
    await yard.pipeline(around("echo 'x'", head=head))
    path = f"{V3}/namespaces/{yard.project}/pipelines/build/pipelineruns"
    answer = await yard.stage("POST", path, {"parameters": parameters})
    assert (answer.status, said in answer.text) == (400, True), answer.text
    assert (await yard.stage("GET", path)).json["totalItems"] == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"metadata": {"name": "x"}, "spec": {"type": "pipeline", "pipeline": {"jenkinsfile": 7}}}, "should be text"),
        ({"metadata": {"name": "Bad_Name"}, "spec": {}}, "RFC 1123"),
        ({"metadata": {"name": "x" * 70}, "spec": {}}, "at most 63"),
        ({"metadata": {"name": "$(id)"}, "spec": {}}, "RFC 1123"),
        ({"metadata": {"name": "../../x"}, "spec": {}}, "RFC 1123"),
        ({"metadata": {}, "spec": {}}, "name or generateName is required"),
        ({"metadata": {"name": "x"}, "spec": []}, "spec should be an object"),
        ({"metadata": {"name": "x"}, "spec": {"pipeline": {"description": "y" * 600_000}}}, "at most 524288"),
        ({"metadata": {"name": "x"}, "spec": {"pipeline": {"jenkinsfile": "x" * 300_000}}}, "262144 are accepted"),
        (
            {"metadata": {"name": "x"}, "spec": {"pipeline": {"jenkinsfile": "pipeline {\n agent any\n" + "{" * 99}}},
            "Jenkinsfile, line 3, column 1: a name or “}” is expected",
        ),
    ],
)
async def test_bad_pipelines_are_refused(yard: Yard, body: Any, said: str) -> None:
    """Wrong types, hostile names and sizes, Jenkinsfiles that aren't understood: 400 with a reason, nothing is made."""
    answer = await yard.stage("POST", f"{yard.base}/pipelines", body)
    assert (answer.status, said in answer.text) == (400, True), answer.text
    assert (await yard.stage("GET", f"{yard.base}/pipelines")).json["totalItems"] == 0


async def test_a_jenkinsfile_that_is_not_understood_changes_nothing(yard: Yard) -> None:
    """Its line and construct are named, and the old one stays."""
    await yard.pipeline(around("echo 'old'"))
    bad = {"data": "pipeline {\n agent any\n tools { maven 'x' }\n}"}
    answer = await yard.stage("PUT", f"{yard.base}/pipelines/build/jenkinsfile?mode=raw", bad)
    assert answer.status == 400
    assert "line 3, column 2: tools are not understood" in answer.text
    for data in (
        "{",
        "[]",
        '{"pipeline": 7}',
        '{"pipeline": {"stages": [{}]}}',
        "[" * 2000,
        '{"pipeline":{"stages":7}}',
    ):
        assert (
            await yard.stage("PUT", f"{yard.base}/pipelines/build/jenkinsfile?mode=json", {"data": data})
        ).status == 400
    kept = (await yard.stage("GET", f"{yard.base}/pipelines/build")).json
    assert kept["spec"]["pipeline"]["jenkinsfile"] == around("echo 'old'")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("sh 'for i in $(seq 60); do sleep 20 & done; sleep 20'", "more than 40 processes"),
        ("sh 'yes'", "log of a run has at most 1 MiB"),
        ("sh 'tr -d \"\\\\n\" < /dev/zero | tr \"\\\\0\" x'", "log of a run has at most 1 MiB"),
        ("sh 'dd if=/dev/zero of=big bs=1M count=3 2>/dev/null'", "exit code 153"),
        ("sh 'for i in 1 2 3 4 5 6 7 8 9; do head -c 1500000 /dev/zero > f$i; done; sleep 30'", "at most 8 MiB"),
        ("sh 'tail -c 1G /dev/zero | tail -n 1'", "script returned"),
    ],
)  # fmt: skip
async def test_floods_and_bombs_are_bounded(yard: Yard, step: str, said: str) -> None:
    """Processes, log, files, workspace and memory have an end, which the run says; others go on meanwhile."""
    yard.tick = 0.05
    await yard.pipeline(around("echo 'other'"), "other")
    result, log = await yard.ran(around("timeout(time: 15, unit: 'SECONDS') {", step, "}"))
    assert result in ("FAILURE", "ABORTED")
    assert said in (log + json.dumps(await yard.get(1, name="p1"))), log[-500:]
    assert len(log) < 1_100_000
    assert (await yard.start("other")).status == 200
    assert (await yard.finished(1, "other"))["result"] == "SUCCESS"


async def test_nothing_of_ours_reaches_a_step(yard: Yard) -> None:
    """The environment is empty but for what the run says; input is at its end; new rights can't be won."""
    result, log = await yard.ran(around("sh 'env; cat; grep NoNewPrivs /proc/self/status; ls /proc/self/fd | wc -l'"))
    assert result == "SUCCESS"
    names = {line.partition("=")[0] for line in log.splitlines() if line.partition("=")[0].isupper() and "=" in line}
    assert not {name for name in names if name.startswith(("ORRERY", "PYTEST", "VIRTUAL"))}
    assert "NoNewPrivs:\t1" in log


async def test_numbers_and_offsets_of_no_kind(yard: Yard) -> None:
    """Runs, offsets and steps that there are not: 404 or 400, never more."""
    await yard.pipeline(around("echo 'x'"))
    await yard.start()
    await yard.finished()
    for number in ("0", "2", "99999999999999999999", "-1", "1e3", "x", "..%2f1"):
        assert (await yard.stage("GET", yard.of().rpartition("/")[0] + f"/{number}")).status == 404, number
    for start in ("-1", "x", "9" * 20, "1e3"):
        assert (await yard.stage("GET", f"{yard.of()}/log?start={start}")).status == 400
    assert (await yard.stage("GET", f"{yard.of()}/nodes/1/steps/99/log")).status == 404
    assert (await yard.stage("POST", f"{yard.of()}/nodes/1/steps/2", {})).status == 400
    assert (await yard.stage("GET", f"{yard.of()}/nodes/99/steps")).json == []


async def test_an_unknown_branch_name_is_refused(yard: Yard) -> None:
    """A branch is named as git names it; of a pipeline with many, one must be."""
    spec = {"type": "multi-branch-pipeline", "multi_branch_pipeline": {"name": "many", "source_type": "git"}}
    assert (
        await yard.stage("POST", f"{yard.base}/pipelines", {"metadata": {"name": "many"}, "spec": spec})
    ).status == 200
    path = f"{V3}/namespaces/{yard.project}/pipelines/many/pipelineruns"
    assert "missing branch name" in (await yard.stage("POST", path)).text
    for name in ("--upload-pack=id", "a%20b", "..", "$(id)", "a%0Ab", "x.lock"):
        answer = await yard.stage("POST", f"{path}?branch={name}")
        assert (answer.status, "a branch is named" in answer.text) == (400, True), answer.text
