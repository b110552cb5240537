"""The object store: versions, optimistic writes, finalizers, watches, and what is on disk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from libs.sandbox.builtin import RESOURCES
from libs.sandbox.changes import KEPT, Type
from libs.sandbox.lifecycle import Deletion, Part
from libs.sandbox.objects import Objects, opened
from libs.sandbox.resource import Catalogue
from libs.shared.errors import Denied, Exists, Gone, Missing, Stale
from libs.shared.values import SystemClock, time_ordered_id


@asynccontextmanager
async def store(folder: Path) -> AsyncIterator[Objects]:
    async with opened(folder / "sandbox.db", Catalogue(RESOURCES), SystemClock(), time_ordered_id) as objects:
        if objects.find("namespaces", "default") is None:
            objects.create("namespaces", {"metadata": {"name": "default"}, "spec": {"finalizers": ["kubernetes"]}})
        yield objects


def config(name: str = "a", **data: str) -> dict:
    return {"metadata": {"name": name}, "data": data}


async def test_create_get_list(tmp_path: Path) -> None:
    """What is made carries the server's metadata, is found, and is listed by namespace and name."""
    async with store(tmp_path) as objects:
        made = objects.create("configmaps", config("b", x="1"), "default")
        objects.create("configmaps", config("a"), "default")
        assert (made["apiVersion"], made["kind"], made["metadata"]["namespace"]) == ("v1", "ConfigMap", "default")
        assert int(made["metadata"]["resourceVersion"]) < objects.revision
        assert [item["metadata"]["name"] for item in objects.list("configmaps")] == ["a", "b"]
        assert objects.get("configmaps", "b", "default") == made
        with pytest.raises(Exists, match='configmaps "a" already exists'):
            objects.create("configmaps", config("a"), "default")
        with pytest.raises(Missing, match='namespaces "nowhere" not found'):
            objects.create("configmaps", config("a"), "nowhere")


async def test_generated_names_differ(tmp_path: Path) -> None:
    """generateName gives a suffix of its own each time."""
    async with store(tmp_path) as objects:
        found = {
            objects.create("pods", {"metadata": {"generateName": "web-"}}, "default")["metadata"]["name"]
            for _ in range(50)
        }
        assert len(found) == 50
        assert all(name.startswith("web-") and len(name) == 9 for name in found)


async def test_a_stale_write_is_refused(tmp_path: Path) -> None:
    """A version that was read long ago overwrites nothing; without one the last writer wins; no change, no version."""
    async with store(tmp_path) as objects:
        old = objects.create("configmaps", config(x="1"), "default")
        new = objects.replace("configmaps", {**old, "data": {"x": "2"}})
        with pytest.raises(Stale, match="the object has been modified"):
            objects.replace("configmaps", {**old, "data": {"x": "3"}})
        assert objects.replace("configmaps", new) is new
        last = objects.replace("configmaps", {"metadata": {"name": "a", "namespace": "default"}, "data": {"x": "4"}})
        assert last["metadata"]["uid"] == old["metadata"]["uid"]


async def test_parts_and_generation(tmp_path: Path) -> None:
    """A write of the main part leaves the status, one of the status leaves the rest; only the main part counts."""
    async with store(tmp_path) as objects:
        made = objects.create("deployments.apps", {"metadata": {"name": "a"}, "spec": {"replicas": 1}}, "default")
        assert made["metadata"]["generation"] == 1
        body = {**made, "spec": {"replicas": 2}, "status": {"replicas": 9}}
        objects.replace("deployments.apps", {**body, "metadata": {"name": "a", "namespace": "default"}}, Part.STATUS)
        found = objects.get("deployments.apps", "a", "default")
        assert (found["spec"], found["status"], found["metadata"]["generation"]) == (
            {"replicas": 1},
            {"replicas": 9},
            1,
        )
        main = {**found, "spec": {"replicas": 2}, "status": {}}
        found = objects.replace("deployments.apps", main, Part.MAIN)
        assert (found["spec"], found["status"], found["metadata"]["generation"]) == (
            {"replicas": 2},
            {"replicas": 9},
            2,
        )


async def test_finalizers_keep_what_is_deleted(tmp_path: Path) -> None:
    """A finalizer keeps the object, marked; the write that takes the last one out removes it."""
    async with store(tmp_path) as objects:
        objects.create("configmaps", {"metadata": {"name": "a", "finalizers": ["x/y"]}}, "default")
        marked = objects.delete("configmaps", "a", "default")
        assert marked["metadata"]["deletionTimestamp"]
        assert objects.delete("configmaps", "a", "default") == marked

        def release(body: dict) -> None:
            del body["metadata"]["finalizers"]

        objects.update("configmaps", "a", "default", release)
        assert objects.find("configmaps", "a", "default") is None


async def test_foreground_and_orphan_are_left_to_garbage_collection(tmp_path: Path) -> None:
    """The wish is a finalizer, for the collector to act on."""
    async with store(tmp_path) as objects:
        for policy, finalizer in (("Foreground", "foregroundDeletion"), ("Orphan", "orphan")):
            objects.create("replicasets.apps", {"metadata": {"name": policy.lower()}}, "default")
            marked = objects.delete("replicasets.apps", policy.lower(), "default", wish=Deletion(policy=policy))
            assert marked["metadata"]["finalizers"] == [finalizer]


async def test_a_running_pod_is_given_time(tmp_path: Path) -> None:
    """A Pod on a node is marked, and goes when its node says so; one that runs nowhere goes at once."""
    async with store(tmp_path) as objects:
        objects.create("pods", {"metadata": {"name": "a"}, "spec": {"nodeName": "n"}}, "default")
        assert objects.delete("pods", "a", "default")["metadata"]["deletionGracePeriodSeconds"] == 30
        objects.delete("pods", "a", "default", wish=Deletion(grace=0))
        objects.create("pods", {"metadata": {"name": "b"}, "spec": {}}, "default")
        objects.delete("pods", "b", "default")
        assert objects.list("pods") == []


async def test_a_namespace_that_ends_takes_nothing_new(tmp_path: Path) -> None:
    """It waits for its finalizer, refuses new objects, and is gone with the finalizer."""
    async with store(tmp_path) as objects:
        objects.delete("namespaces", "default")
        assert objects.get("namespaces", "default")["status"] == {"phase": "Terminating"}
        with pytest.raises(Denied, match="because it is being terminated"):
            objects.create("configmaps", config(), "default")
        objects.update("namespaces", "default", "", lambda body: body["spec"].update(finalizers=[]))
        assert objects.find("namespaces", "default") is None


async def test_watch_tells_in_order_and_forgets(tmp_path: Path) -> None:
    """A watcher is told what happened since; one too far behind is told that it is."""
    async with store(tmp_path) as objects:
        start = objects.revision
        made = objects.create("configmaps", config(), "default")
        objects.replace("configmaps", {**made, "data": {"x": "1"}})
        objects.delete("configmaps", "a", "default")
        changes = objects.watch("configmaps", "pods", since=start)
        told = [await anext(changes) for _ in range(3)]
        assert [change.type for change in told] == [Type.ADDED, Type.MODIFIED, Type.DELETED]
        assert [change.revision for change in told] == [start + 1, start + 2, start + 3]
        for _ in range(KEPT // 2 + 1):
            objects.create("configmaps", config(), "default")
            objects.delete("configmaps", "a", "default")
        with pytest.raises(Gone, match="too old resource version"):
            await anext(changes)


async def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    """A restart reads objects back with their versions, and no revision is given out twice."""
    async with store(tmp_path) as objects:
        kept = objects.create("configmaps", config("kept"), "default")
        objects.create("configmaps", config("gone"), "default")
        objects.delete("configmaps", "gone", "default")
        await objects.saved()
        last = objects.revision
    async with store(tmp_path) as objects:
        assert objects.list("configmaps") == [kept]
        assert objects.revision > last
        with pytest.raises(Gone):
            objects.cursor("configmaps", last)
