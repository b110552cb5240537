"""A sandbox's objects with everything that moves them, on a virtual clock."""

import asyncio
from contextlib import asynccontextmanager, suppress
from itertools import count

from libs.sandbox.builtin import RESOURCES
from libs.sandbox.nodes.machines import NODES, node
from libs.sandbox.objects import opened
from libs.sandbox.resource import Catalogue
from libs.sandbox.world import moving
from libs.shared.objects.meta import instant
from libs.shared.testing.clock import VirtualClock, settle

SPACE = "shop"


class Heard:
    """A logger that keeps what it is told."""

    def __init__(self):
        self.lines = []

    def warning(self, text, **about):
        self.lines.append((text, about))


class Stage:
    """What a scenario plays on."""

    def __init__(self, objects, clock, log):
        self.objects = objects
        self.clock = clock
        self.log = log

    async def passes(self, seconds):
        """Let time pass, in steps small enough that each thing happens at its own time."""
        for _ in range(max(1, round(seconds / 0.5))):
            await self.clock.advance(min(seconds, 0.5))
            await settle(60)

    def make(self, resource, body, namespace=SPACE):
        body = {**body, "metadata": dict(body["metadata"])}
        return self.objects.create(resource, body, namespace)

    def get(self, resource, name, namespace=SPACE):
        return self.objects.get(resource, name, namespace)

    def names(self, resource, namespace=SPACE):
        return [body["metadata"]["name"] for body in self.objects.list(resource, namespace)]

    def pods(self, **labels):
        return [
            pod
            for pod in self.objects.list("pods", SPACE)
            if labels.items() <= (pod["metadata"].get("labels") or {}).items()
        ]

    def running(self, **labels):
        return [pod for pod in self.pods(**labels) if ready(pod) and "deletionTimestamp" not in pod["metadata"]]

    def edit(self, resource, name, change, namespace=SPACE):
        return self.objects.update(resource, name, namespace, change)

    def reasons(self, name):
        events = self.objects.list("events", SPACE)
        return {event["reason"] for event in events if event["involvedObject"]["name"].startswith(name)}


def ready(pod):
    conditions = {entry["type"]: entry["status"] for entry in (pod.get("status") or {}).get("conditions") or ()}
    return conditions.get("Ready") == "True"


@asynccontextmanager
async def staged(folder):
    """An empty cluster of three nodes with the namespace `shop`."""
    clock, numbers = VirtualClock(), count(1)
    catalogue = Catalogue(RESOURCES)

    def ids():
        return f"{next(numbers) * 7919 % 2**32:08x}-0000-4000-8000-{next(numbers) * 104729 % 2**48:012x}"

    async with opened(folder / "sandbox.db", catalogue, clock, ids) as objects:
        for name in ("default", "kube-node-lease", SPACE):
            objects.create("namespaces", {"metadata": {"name": name}})
        for name in NODES:
            objects.create("nodes", node(name, instant(clock())))
        log = Heard()
        task = asyncio.create_task(moving(objects, log).run())
        stage = Stage(objects, clock, log)
        await stage.passes(0.5)
        try:
            yield stage
            assert not task.done()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def template(labels, image="nginx:1.27", annotations=None, **spec):
    container = {"name": "main", "image": image, **spec.pop("container", {})}
    metadata = {"labels": labels, **({"annotations": annotations} if annotations else {})}
    return {"metadata": metadata, "spec": {"containers": [container], **spec}}


def workload(kind, name, replicas=None, image="nginx:1.27", annotations=None, **spec):
    body = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}}
    labels = {"app": name}
    shape = template(labels, image, annotations, **spec.pop("pod", {}))
    body["spec"] = {"selector": {"matchLabels": labels}, "template": shape, **spec}
    if replicas is not None:
        body["spec"]["replicas"] = replicas
    return body
