"""The three nodes as objects, and their heartbeats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from libs.sandbox.changes import Change
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import Body, name_of, short_hash
from libs.sandbox.lifecycle import Part
from libs.sandbox.objects import Objects
from libs.shared.objects.meta import instant, moment

NODES: Final = ("node-1", "node-2", "node-3")
VERSION: Final = "v1.33.1+orrery.sandbox"
CORES: Final = 8
MEMORY: Final = 32 << 30
"""Bytes."""
DISK: Final = 100 << 30
"""Bytes."""
PODS: Final = 110
LEASES: Final = "leases.coordination.k8s.io"
LEASE_SPACE: Final = "kube-node-lease"
BEAT: Final = 20.0
"""Seconds between two renewals of a node's lease, which is good for twice as long."""
REPORT: Final = 300
"""Seconds between two reports of a node's conditions."""
_FINE: Final = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


def number_of(node: str) -> int:
    """1 for `node-1`; any other name counts as 0."""
    return NODES.index(node) + 1 if node in NODES else 0


def address_of(node: str) -> str:
    """The node's own address."""
    return f"10.0.0.{10 + number_of(node)}"


def node(name: str, at: str) -> Body:
    """A new node. The first has the control plane's role, and takes pods like the others."""
    number = number_of(name)
    roles = ("control-plane", "master") if number == 1 else ("worker",)
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": f"zone-{number}",
        **{f"node-role.kubernetes.io/{role}": "" for role in roles},
    }
    cidr = f"10.244.{number}.0/24"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {"sandbox.orrery.io/simulated": "true"}},
        "spec": {"podCIDR": cidr, "podCIDRs": [cidr], "providerID": f"sandbox://{name}"},
        "status": status(name, at),
    }


def status(name: str, at: str) -> Body:
    """What a node says of itself."""
    room = {"pods": str(PODS), "hugepages-2Mi": "0"}
    return {
        "capacity": {"cpu": str(CORES), "memory": f"{MEMORY >> 10}Ki", "ephemeral-storage": f"{DISK >> 10}Ki", **room},
        "allocatable": {
            "cpu": f"{CORES * 1000 - 200}m",
            "memory": f"{(MEMORY - (1 << 30)) >> 10}Ki",
            "ephemeral-storage": f"{(DISK * 9 // 10) >> 10}Ki",
            **room,
        },
        "conditions": conditions(at, at),
        "addresses": [{"type": "InternalIP", "address": address_of(name)}, {"type": "Hostname", "address": name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": _info(name),
        "images": [],
    }


def _info(name: str) -> dict[str, Any]:
    return {
        "machineID": short_hash(name, 32),
        "systemUUID": short_hash([name, "system"], 32),
        "bootID": short_hash([name, "boot"], 32),
        "kernelVersion": "6.1.0-sandbox",
        "osImage": "Orrery sandbox (simulated)",
        "containerRuntimeVersion": "simulated://1.0",
        "kubeletVersion": VERSION,
        "kubeProxyVersion": VERSION,
        "operatingSystem": "linux",
        "architecture": "amd64",
    }


def conditions(beat: str, since: str) -> list[Body]:
    """All is well, as of the heartbeat `beat`."""
    return [
        {
            "type": kind,
            "status": value,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": beat,
            "lastTransitionTime": since,
        }
        for kind, value, reason, message in _FINE
    ]


class Heartbeats:
    """Renews each node's lease, and now and then reports its conditions."""

    name = "heartbeats"
    watches = ("nodes",)

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._next: dict[str, float] = {}

    def keys(self, change: Change) -> Iterable[Key]:
        """Nodes that are simulated."""
        name = name_of(change.object)
        return (("", name),) if name in NODES else ()

    def reconcile(self, key: Key) -> float | None:
        """Beat, unless it has just been done."""
        name = key[1]
        found = self._objects.find("nodes", name)
        if found is None:
            self._next.pop(name, None)
            return None
        now = self._objects.clock.monotonic()
        left = self._next.get(name, now) - now
        if left > 0:
            return left
        self._next[name] = now + BEAT
        self._renew(name, found)
        self._report(name, found)
        return BEAT

    def _renew(self, name: str, found: Body) -> None:
        if self._objects.find("namespaces", LEASE_SPACE) is None:
            return
        at = self._objects.clock()
        text = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}Z"
        spec = {"holderIdentity": name, "leaseDurationSeconds": int(2 * BEAT), "renewTime": text}
        if self._objects.find(LEASES, name, LEASE_SPACE) is not None:
            self._objects.update(LEASES, name, LEASE_SPACE, lambda body: body.update(spec=spec))
            return
        owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": found["metadata"]["uid"]}
        metadata = {"name": name, "ownerReferences": [owner]}
        self._objects.create(LEASES, {"metadata": metadata, "spec": spec}, LEASE_SPACE)

    def _report(self, name: str, found: Body) -> None:
        at = self._objects.clock()
        before = {entry["type"]: entry for entry in (found.get("status") or {}).get("conditions") or ()}
        last = (before.get("Ready") or {}).get("lastHeartbeatTime", "")
        if last and (at.timestamp() // REPORT) == (_seconds(last) // REPORT):
            return
        since = (before.get("Ready") or {}).get("lastTransitionTime", instant(at))
        told = {**status(name, instant(at)), "conditions": conditions(instant(at), since)}
        self._objects.replace("nodes", {**found, "status": told}, Part.STATUS)


def _seconds(text: str) -> float:
    from_text = moment(text)
    return from_text.timestamp() if from_text else 0.0
