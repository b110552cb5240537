"""Cut off in the middle of installing, upgrading or removing: taken up again, nothing doubled, the state honest."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from libs.shared.kube.client import Kube
from services.openpitrix.clients.helm import CHILD
from services.openpitrix.domain.release import Release, State
from services.openpitrix.tests.charts import Shelf
from services.openpitrix.tests.stage import NAMESPACE, Stage, sandboxed, staged
from services.openpitrix.tests.test_releases import HERE, deployed, settled, version_of, wanted

SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"


async def revisions(cluster: Kube) -> list[str]:
    """States of Helm's own revisions of the release, the oldest first."""
    found = await cluster.get(SECRETS, labelSelector="owner=helm")
    labels = sorted((one["metadata"]["labels"] for one in found["items"]), key=lambda one: int(one["version"]))
    return [one["status"] for one in labels]


async def until_helm_is(cluster: Kube, state: str) -> None:
    """Return when Helm's newest revision is in this state."""
    for _ in range(2000):
        if (await revisions(cluster))[-1:] == [state]:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"{state} was never seen: {await revisions(cluster)}")


@asynccontextmanager
async def anew(folder: Path, cluster: Kube) -> AsyncIterator[Stage]:
    """The service once more on the same folder, as after a crash."""
    async with staged(folder, cluster=cluster) as stage, stage.working():
        yield stage


async def test_an_installation_that_was_cut_off(tmp_path: Path, charts: Shelf) -> None:
    """What Helm had half installed is taken up by the next process: active once, told once, one Deployment."""
    async with sandboxed(tmp_path) as cluster:
        async with anew(tmp_path, cluster) as stage:
            version = await version_of(stage, charts, "anchor")
            await stage("POST", HERE, {"name": "front", **version, "conf": "replicas: 2\n"})
            await until_helm_is(cluster, "pending-install")
        assert await revisions(cluster) == ["pending-install"]
        async with anew(tmp_path, cluster) as stage:
            made = await settled(stage, "front")
            assert made["status"] == "active", made
            assert await revisions(cluster) == ["deployed"]
            assert (await deployed(stage, "front"))["spec"]["replicas"] == 2
            assert len(await stage.told("ReleaseInstalled")) == 1


async def test_an_upgrade_that_was_cut_off(tmp_path: Path, charts: Shelf) -> None:
    """What Helm had half upgraded is rolled back and upgraded again: the new version, told once."""
    async with sandboxed(tmp_path) as cluster:
        async with anew(tmp_path, cluster) as stage:
            made = await wanted(stage, charts, conf="replicas: 1\n")
            newer = await version_of(stage, charts, "anchor", 1)
            at = f"{HERE}/{made['cluster_id']}"
            await stage("POST", at, {"name": "front", **newer, "conf": "replicas: 3\ntag: '2'\n"})
            await until_helm_is(cluster, "pending-upgrade")
        async with anew(tmp_path, cluster) as stage:
            again = await settled(stage, "front")
            assert (again["status"], again["version_id"]) == ("active", newer["version_id"]), again
            assert (await deployed(stage, "front"))["spec"]["replicas"] == 3
            assert (await revisions(cluster)).count("deployed") == 1
            assert len(await stage.told("ReleaseUpgraded")) == 1


async def test_a_removal_that_was_cut_off(tmp_path: Path, charts: Shelf) -> None:
    """It is ended by the next process: nothing is left, told once."""
    async with sandboxed(tmp_path) as cluster:
        async with anew(tmp_path, cluster) as stage:
            made = await wanted(stage, charts)
            await stage("DELETE", f"{HERE}/{made['cluster_id']}")
            await until_helm_is(cluster, "uninstalling")
        async with anew(tmp_path, cluster) as stage:
            await stage.until(HERE, lambda found: found["total_count"] == 0, seconds=20)
            assert await deployed(stage, "front") is None
            assert await revisions(cluster) == []
            assert len(await stage.told("ReleaseDeleted")) == 1


async def test_what_was_done_but_not_noted_is_not_done_again(tmp_path: Path, charts: Shelf) -> None:
    """A process that dies between Helm's success and its note of it leaves a release that the next one only notes."""
    async with sandboxed(tmp_path) as cluster, anew(tmp_path, cluster) as stage:
        made = await wanted(stage, charts)
        kept = await stage.parts.store.of(Release).get(made["cluster_id"])
        behind = kept.model_copy(
            update={"done": 0, "state": State.CREATING, "due_at": stage.clock(), "installed": False}
        )

        async def forget(unit: Any) -> None:
            await unit.of(Release).put(behind)

        await stage.parts.store.transact(forget)
        stage.parts.desk.bells.releases.ring()
        assert (await settled(stage, "front"))["status"] == "active"
        assert await revisions(cluster) == ["deployed"]


async def test_a_removal_overtakes_an_installation(tmp_path: Path, charts: Shelf) -> None:
    """Who takes back what is being installed doesn't wait for it: it is cut off and removed."""
    async with sandboxed(tmp_path) as cluster, anew(tmp_path, cluster) as stage:
        version = await version_of(stage, charts, "anchor")
        await stage("POST", HERE, {"name": "front", **version})
        await until_helm_is(cluster, "pending-install")
        name = (await stage("GET", HERE)).json["items"][0]["cluster"]["cluster_id"]
        await stage("DELETE", f"{HERE}/{name}")
        await stage.until(HERE, lambda found: found["total_count"] == 0, seconds=20)
        assert await deployed(stage, "front") is None
        assert [event.name for event in await stage.told() if event.subject.startswith("releases/")] == [
            "ReleaseRequested",
            "ReleaseDeleteRequested",
            "ReleaseDeleted",
        ]


STARTER = """
import json, os, signal, subprocess, sys
asked = sys.argv[2].encode()
child = subprocess.Popen([sys.executable, "-I", sys.argv[1]], stdin=subprocess.PIPE, start_new_session=True)
child.stdin.write(len(asked).to_bytes(8, "big") + asked)
child.stdin.flush()
print(child.pid, flush=True)
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_a_child_goes_with_who_started_it(tmp_path: Path) -> None:
    """A process that is killed leaves no Helm behind that would go on working beside its successor's."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never says a word
        config = tmp_path / "kubeconfig"
        server = f"http://127.0.0.1:{silent.getsockname()[1]}"
        config.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "c", "cluster": {"server": server}}],
                    "users": [{"name": "u", "user": {}}],
                    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                    "current-context": "x",
                }
            )
        )
        asked = {"do": "remove", "name": "x", "namespace": "n", "owner": "o", "kubeconfig": str(config), "seconds": 60}
        parent = await asyncio.create_subprocess_exec(
            sys.executable, "-c", STARTER, str(CHILD), json.dumps(asked), stdin=PIPE, stdout=PIPE
        )
        assert parent.stdin is not None
        assert parent.stdout is not None
        child = Path("/proc") / (await parent.stdout.readline()).decode().strip()
        connection, _ = await asyncio.to_thread(silent.accept)
        with connection:
            assert running(child)
            parent.stdin.write(b"\n")
            assert await parent.wait() == -signal.SIGKILL
            assert await gone(child)


async def gone(process: Path) -> bool:
    """Whether the process ends within some seconds."""
    for _ in range(250):
        if not running(process):
            return True
        await asyncio.sleep(0.02)
    return False


def running(process: Path) -> bool:
    """Whether it is there, and no zombie that nobody has waited for."""
    try:
        return not (process / "stat").read_text().rpartition(") ")[2].startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return False
