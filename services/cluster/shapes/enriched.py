"""What lists say of an object beyond itself, worked out from others: as annotations (iam-gateway 9.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from services.cluster.domain import resource
from services.cluster.domain.held import plain
from services.cluster.domain.quantity import binary, cores, number
from services.cluster.domain.resource import JsonObject
from services.cluster.shapes.filters import spec, status

DONE = ("Succeeded", "Failed")
PROVISIONER = ("volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner")
"""What Kubernetes writes on a claim: who is to provision it."""
FORMATS: Mapping[str, Callable[[Fraction], str]] = {"cpu": cores, "memory": binary}


def annotated(found: JsonObject, added: Mapping[str, str]) -> JsonObject:
    """The object with these annotations as well."""
    about = resource.metadata(found)
    return {**plain(found), "metadata": {**about, "annotations": {**(about.get("annotations") or {}), **added}}}


def node(found: JsonObject, pods: Iterable[JsonObject]) -> JsonObject:
    """A node with what its pods ask for and may use, and which part of it that is."""
    here = [
        pod
        for pod in pods
        if spec(pod).get("nodeName") == resource.name(found) and status(pod).get("phase") not in DONE
    ]
    added: dict[str, str] = {}
    for unit, written in FORMATS.items():
        allocatable = number((status(found).get("allocatable") or {}).get(unit, 0))
        for bound in ("requests", "limits"):
            total = sum((_asked(pod, bound, unit) for pod in here), Fraction(0))
            part = int(total * 100 / allocatable) if allocatable else 0
            added[f"node.kubesphere.io/{unit}-{bound}"] = written(total)
            added[f"node.kubesphere.io/{unit}-{bound}-fraction"] = f"{part}%"
    return annotated(found, added)


def _asked(pod: JsonObject, bound: str, unit: str) -> Fraction:
    """What a pod's containers ask for together; or its largest init container, which runs before them."""
    main = sum((_one(container, bound, unit) for container in spec(pod).get("containers") or ()), Fraction(0))
    initial = (_one(container, bound, unit) for container in spec(pod).get("initContainers") or ())
    return max([main, *initial])


def _one(container: Mapping[str, Any], bound: str, unit: str) -> Fraction:
    return number(((container.get("resources") or {}).get(bound) or {}).get(unit, 0))


def claims_in_use(pods: Iterable[JsonObject]) -> frozenset[tuple[str, str]]:
    """Namespace and name of each claim that a pod mounts."""
    return frozenset(
        (resource.namespace(pod), volume["persistentVolumeClaim"].get("claimName", ""))
        for pod in pods
        for volume in spec(pod).get("volumes") or ()
        if volume.get("persistentVolumeClaim")
    )


def drivers(snapshot_classes: Iterable[JsonObject]) -> frozenset[str]:
    """The drivers that make snapshots here."""
    return frozenset(str(one.get("driver", "")) for one in snapshot_classes)


def claim(found: JsonObject, used: frozenset[tuple[str, str]], snapshots: frozenset[str]) -> JsonObject:
    """A claim with whether a pod mounts it, and whether it can be snapshotted: there is a snapshot class of the driver
    that provisions it.
    """
    in_use = (resource.namespace(found), resource.name(found)) in used
    provisioners = {resource.notes(found).get(key, "") for key in PROVISIONER} - {""}
    said = {"kubesphere.io/in-use": in_use, "kubesphere.io/allow-snapshot": bool(provisioners & snapshots)}
    return annotated(found, {key: str(value).lower() for key, value in said.items()})


def storage_class(found: JsonObject, counts: Counter[str]) -> JsonObject:
    """A storage class with how many claims are of it."""
    return annotated(found, {"kubesphere.io/pvc-count": str(counts[resource.name(found)])})


def claims_by_class(claims: Iterable[JsonObject]) -> Counter[str]:
    """How many claims there are of each storage class."""
    return Counter(str(spec(one).get("storageClassName", "")) for one in claims)
