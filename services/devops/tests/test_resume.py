"""A run whose process ends in the middle: gone on with by another, nothing that ended is done again."""

from __future__ import annotations

import os
from pathlib import Path

from services.devops.tests.stage import Stage, staged
from services.devops.tests.yard import Yard, around, carried, until

THREE = """pipeline { agent any
stages {
  stage('First') { steps { sh 'echo first >> trace; echo one' } }
  stage('Second') { steps { %s } }
  stage('Third') { steps { sh 'cat trace' } }
}
post { always { echo 'afterwards' } } }"""


async def yard_of(stage: Stage) -> Yard:
    """The one project that there is, or a new one."""
    found = (await stage("GET", "/apis/devops.kubesphere.io/v1alpha3/devopsprojects")).json["items"]
    return Yard(stage, found[0]["metadata"]["name"] if found else await stage.project())


async def broken_off(folder: Path, script: str, word: str) -> int:
    """A run that has written this word when its process ends; how long its log is then."""
    async with staged(folder) as stage:
        yard = await yard_of(stage)
        assert (await yard.pipeline(script)).status == 200
        async with carried(stage):
            await yard.start()

            async def written() -> bool:
                return word in await yard.log()

            await until(written)
        assert (await yard.get())["state"] != "FINISHED"
        return len(await yard.log())


async def gone_on(folder: Path) -> tuple[str, str, Yard]:
    """Another process goes on with it: how it ended, and its whole log."""
    async with staged(folder) as stage, carried(stage):
        yard = await yard_of(stage)
        found = await yard.finished()
        return found["result"], await yard.log(), yard


async def test_an_interrupted_script_counts_as_failed(tmp_path: Path) -> None:
    """Nobody knows how far it came: it fails with that reason, stages that ended are not run again, the log goes on
    where it was, and what is done afterwards is done.
    """
    size = await broken_off(tmp_path, THREE % "sh 'echo began-$$; sleep 100'", "began-")
    result, log, _ = await gone_on(tmp_path)
    assert result == "FAILURE"
    assert "sh was interrupted" in log[size:]
    assert "afterwards\n" in log[size:]
    assert log.count("one\n") == 2  # what is run, and what it wrote
    assert log.count("began-") == 2


async def test_an_interrupted_script_is_tried_again_within_retry(tmp_path: Path) -> None:
    """`retry` makes good what was interrupted; the workspace is the one that it was."""
    step = "retry(2) { sh 'echo try >> trace; echo began-$$; test $(grep -c try trace) = 2 || sleep 100' }"
    await broken_off(tmp_path, THREE % step, "began-")
    result, log, _ = await gone_on(tmp_path)
    assert result == "SUCCESS", log
    assert "first\n" in log.rpartition("cat trace")[2]
    assert log.count("stage (First)") == 1


async def test_an_input_goes_on_waiting(tmp_path: Path) -> None:
    """Asked before the end of the process, answered after it."""
    size = await broken_off(tmp_path, THREE % "input 'go?'", "go?")
    async with staged(tmp_path) as stage, carried(stage):
        yard = await yard_of(stage)
        node, step = await yard.waiting_input()
        assert (await stage("POST", f"{yard.of()}/nodes/{node}/steps/{step}", {})).status == 200
        assert (await yard.finished())["result"] == "SUCCESS"
        assert "Approved by admin" in (await yard.log())[size:]
        assert [one.name for one in await stage.told("RunStarted", "InputAwaited")] == ["RunStarted", "InputAwaited"]


async def test_processes_end_with_the_service(tmp_path: Path) -> None:
    """Nothing of a step lives on: not what it left in the background, nor in a session of its own."""
    known = f"{1_000_000 + os.getpid()}"  # seconds that nobody else sleeps; a step's own pids may be others outside
    step = f"sh 'setsid sleep {known} & sleep 1; kill -0 $! && echo began-; sleep {known}'"
    await broken_off(tmp_path, THREE % step, "began-")
    await until(lambda: _gone(known))


async def _gone(known: str) -> bool:
    found = Path("/proc").glob("[0-9]*/cmdline")  # noqa: ASYNC240  # no disk behind it
    return not any(known.encode() in _command(path) for path in found)


def _command(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


async def test_a_stopped_run_ends_though_its_process_did_first(tmp_path: Path) -> None:
    """Somebody stops a run that nobody carries on: whoever comes next ends it."""
    await broken_off(tmp_path, THREE % "sh 'echo began-; sleep 100'", "began-")
    async with staged(tmp_path) as stage:
        yard = await yard_of(stage)
        assert (await stage("POST", f"{yard.of()}/stop")).status == 200
        async with carried(stage):
            found = await yard.finished()
        assert (found["result"], found["description"]) == ("ABORTED", "stopped by admin")
        assert {node["state"] for node in await yard.get(1, "/nodes") if node["state"]} == {"FINISHED"}


async def test_a_deleted_pipeline_takes_its_runs_along(tmp_path: Path) -> None:
    """A run that goes on ends with its pipeline; documents and files are swept, and the name is free again."""
    async with staged(tmp_path) as stage, carried(stage):
        yard = await yard_of(stage)
        await yard.pipeline(around("sh 'echo began; sleep 300'"))
        await yard.start()

        async def begun() -> bool:
            return "began" in await yard.log()

        await until(begun)
        assert (await stage("DELETE", f"{yard.base}/pipelines/build")).json == {"message": "success"}
        await stage.swept()
        assert stage.parts.works.kept() == set()
        assert (await yard.pipeline(around("echo 'new'"))).status == 200
        assert (await yard.start()).status == 200
        await yard.finished()


async def test_a_deleted_project_takes_everything_along(tmp_path: Path) -> None:
    """Credentials, pipelines, runs and files go; nothing of it is found under the old name."""
    async with staged(tmp_path) as stage, carried(stage):
        yard = await yard_of(stage)
        await yard.credential("token", "secret-text", secret="x")
        await yard.pipeline(around("sh 'echo x > f'", "archiveArtifacts 'f'"))
        await yard.start()
        await yard.finished()
        run = f"/apis/devops.kubesphere.io/v1alpha3/namespaces/{yard.project}/pipelineruns"
        assert len((await stage("GET", run)).json["items"]) == 1
        gone = await stage("DELETE", f"/kapis/devops.kubesphere.io/v1alpha3/workspaces/ws1/devops/{yard.project}")
        assert gone.status == 200
        assert (await stage("GET", f"{yard.base}/credentials")).status == 404
        await stage.swept()
        assert (await stage("GET", run)).json["items"] == []
        assert stage.parts.works.kept() == set()
