"""What the API server fills in where a client says nothing. Source: pkg/apis/*/v1/defaults.go of Kubernetes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from libs.sandbox.objects import Objects
from libs.sandbox.resource import Resource

Body = dict[str, Any]
_NODE_PORTS: Final = range(30_000, 32_768)
_ADDRESSES: Final = 1 << 16
"""Cluster addresses: 10.96.0.0/16."""


def filled(resource: Resource, body: Body, objects: Objects) -> Body:
    """A copy with what is left out filled in."""
    body = orjson.loads(orjson.dumps(body))
    if any(not isinstance(body.get(part) or {}, dict) for part in ("spec", "data", "stringData", "status")):
        return body
    if fill := _FILLED.get(resource.id):
        fill(body)
    if resource.id == "services":
        _service(body, objects)
    return body


def carried(resource: Resource, current: Body, body: Body) -> Body:
    """What was given at its making and is left out now stays as it was."""
    fields = _CARRIED.get(resource.id, ())
    spec, old = body.get("spec"), current.get("spec") or {}
    if not fields or not isinstance(spec or {}, dict):
        return body
    kept = {field: old[field] for field in fields if field in old and not (spec or {}).get(field)}
    return {**body, "spec": {**(spec or {}), **kept}} if kept else body


_CARRIED: Final[Mapping[str, tuple[str, ...]]] = {
    "services": ("clusterIP", "clusterIPs"),
    "namespaces": ("finalizers",),
    "persistentvolumeclaims": ("volumeName",),
    "jobs.batch": ("selector",),
    "pods": ("nodeName",),
}


def _put(thing: Any, **values: Any) -> None:
    if isinstance(thing, dict):
        for key, value in values.items():
            if thing.get(key) is None:
                thing[key] = value


def _pod_spec(spec: Any, policy: str = "Always") -> None:
    if not isinstance(spec, dict):
        return
    _put(
        spec,
        restartPolicy=policy,
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        terminationGracePeriodSeconds=30,
        securityContext={},
    )
    for part in ("initContainers", "containers"):
        for container in spec.get(part) or ():
            _container(container)


def _container(container: Any) -> None:
    if not isinstance(container, dict):
        return
    image = str(container.get("image", ""))
    tagged = ":" in image.rpartition("/")[2] and not image.endswith(":latest")
    _put(
        container,
        imagePullPolicy="IfNotPresent" if tagged or "@" in image else "Always",
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        resources={},
    )
    for port in container.get("ports") or ():
        _put(port, protocol="TCP")


def _template(spec: Any, policy: str = "Always") -> None:
    template = spec.get("template") if isinstance(spec, dict) else None
    if isinstance(template, dict):
        _pod_spec(template.get("spec"), policy)


def _pod(body: Body) -> None:
    _pod_spec(body.get("spec"))
    _put(body, status={"phase": "Pending"})
    _put(body["status"], qosClass=quality(body.get("spec") or {}))


def quality(spec: Mapping[str, Any]) -> str:
    """Guaranteed, Burstable, BestEffort: by requests and limits of cpu and memory."""
    asked = [
        {part: (c.get("resources") or {}).get(part) or {} for part in ("requests", "limits")}
        for c in spec.get("containers") or ()
        if isinstance(c, dict)
    ]
    if not any(one["requests"] or one["limits"] for one in asked):
        return "BestEffort"
    bound = all({"cpu", "memory"} <= set(one["limits"]) for one in asked)
    equal = all((one["requests"] or one["limits"]) == one["limits"] for one in asked)
    return "Guaranteed" if bound and equal else "Burstable"


def _deployment(body: Body) -> None:
    spec = body.get("spec")
    rolling = {"maxSurge": "25%", "maxUnavailable": "25%"}
    _put(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600, strategy={"type": "RollingUpdate"})
    if isinstance(spec, dict) and isinstance(spec["strategy"], dict):
        _put(spec["strategy"], type="RollingUpdate")
        if spec["strategy"]["type"] == "RollingUpdate":
            _put(spec["strategy"], rollingUpdate=rolling)
    _template(spec)


def _replica_set(body: Body) -> None:
    _put(body.get("spec"), replicas=1)
    _template(body.get("spec"))


def _stateful(body: Body) -> None:
    _put(
        body.get("spec"),
        replicas=1,
        podManagementPolicy="OrderedReady",
        revisionHistoryLimit=10,
        updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
    )
    _template(body.get("spec"))


def _daemon(body: Body) -> None:
    update = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    _put(body.get("spec"), revisionHistoryLimit=10, updateStrategy=update)
    _template(body.get("spec"))


def _job(body: Body) -> None:
    spec = body.get("spec")
    if isinstance(spec, dict) and spec.get("completions") is None and spec.get("parallelism") is None:
        _put(spec, completions=1)
    _put(spec, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    _template(spec, "")


def _cron(body: Body) -> None:
    _put(
        body.get("spec"),
        concurrencyPolicy="Allow",
        suspend=False,
        successfulJobsHistoryLimit=3,
        failedJobsHistoryLimit=1,
    )


def _namespace(body: Body) -> None:
    metadata = body["metadata"]
    _put(body, spec={}, status={})
    if "deletionTimestamp" not in metadata and not metadata.get("uid"):
        _put(body["spec"], finalizers=["kubernetes"])
    _put(body["status"], phase="Active")
    if isinstance(metadata.get("labels") or {}, dict):
        metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata.get("name", "")}


def _secret(body: Body) -> None:
    _put(body, type="Opaque")
    plain = body.pop("stringData", None)
    if isinstance(plain, dict) and all(isinstance(value, str) for value in plain.values()):
        body["data"] = {**(body.get("data") or {})} | {
            key: base64.b64encode(value.encode()).decode() for key, value in plain.items()
        }


def _pending(body: Body) -> None:
    _put(body, status={"phase": "Pending"})
    _put(body.get("spec"), volumeMode="Filesystem")


def _binding(body: Body) -> None:
    subjects = body.get("subjects")
    for subject in subjects if isinstance(subjects, list) else ():
        if isinstance(subject, dict) and subject.get("kind") in ("User", "Group"):
            _put(subject, apiGroup="rbac.authorization.k8s.io")
    _put(body.get("roleRef"), apiGroup="rbac.authorization.k8s.io")


_FILLED: Final[Mapping[str, Callable[[Body], None]]] = {
    "namespaces": _namespace,
    "pods": _pod,
    "secrets": _secret,
    "persistentvolumes": _pending,
    "persistentvolumeclaims": _pending,
    "deployments.apps": _deployment,
    "replicasets.apps": _replica_set,
    "statefulsets.apps": _stateful,
    "daemonsets.apps": _daemon,
    "jobs.batch": _job,
    "cronjobs.batch": _cron,
    "rolebindings.rbac.authorization.k8s.io": _binding,
    "clusterrolebindings.rbac.authorization.k8s.io": _binding,
}


def _service(body: Body, objects: Objects) -> None:
    """Type, ports and addresses."""
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    _put(spec, type="ClusterIP", sessionAffinity="None")
    _put(body, status={"loadBalancer": {}})
    for port in spec.get("ports") or ():
        if isinstance(port, dict):
            _put(port, protocol="TCP", targetPort=port.get("port"))
    if spec["type"] == "ExternalName":
        return
    _put(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    own = (body["metadata"].get("namespace", ""), body["metadata"].get("name", ""))
    others = [
        other["spec"]
        for other in objects.list("services")
        if (other["metadata"]["namespace"], other["metadata"]["name"]) != own and isinstance(other.get("spec"), dict)
    ]
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _node_ports(spec, others)
    if not spec.get("clusterIP"):
        spec["clusterIP"] = _address("/".join(own), {other.get("clusterIP", "") for other in others})
    spec["clusterIPs"] = [spec["clusterIP"]]


def _address(seed: str, taken: set[str]) -> str:
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:2])
    for step in range(_ADDRESSES):
        number = (start + step) % _ADDRESSES
        address = f"10.96.{number >> 8}.{number & 255}"
        if number & 255 not in (0, 255) and address not in taken:
            return address
    return "None"


def _node_ports(spec: Body, others: list[Body]) -> None:
    taken = {port.get("nodePort") for other in others for port in other.get("ports") or ()}
    free = (number for number in _NODE_PORTS if number not in taken)
    for port in spec.get("ports") or ():
        if isinstance(port, dict) and not port.get("nodePort"):
            port["nodePort"] = next(free, None)
