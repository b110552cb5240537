"""Rules of single kinds: what must be there, and what may not change. Source: pkg/apis/*/validation of Kubernetes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from libs.sandbox.resource import Resource
from libs.sandbox.rules import pods
from libs.sandbox.rules.definitions import definition
from libs.sandbox.rules.invalid import required, unsupported, wrong
from libs.shared.errors import Flaw
from libs.shared.objects import names

Body = dict[str, Any]
Rule = Callable[[Body], Iterator[Flaw]]
IMMUTABLE: Final = "field is immutable"
_PORTS: Final = range(1, 65536)


def flaws(resource: Resource, body: Body) -> list[Flaw]:
    """What is wrong with an object of this kind."""
    rule = _RULES.get(resource.id)
    mistyped = [wrong(part, body[part], "must be an object") for part in _OBJECTS if _unlike(body.get(part), part)]
    return mistyped or (list(rule(body)) if rule else [])


def fixed(resource: Resource, current: Body, body: Body) -> list[Flaw]:
    """What the next version changes although it may not."""
    if current.get("immutable") is True and any(current.get(part) != body.get(part) for part in ("data", "binaryData")):
        return [Flaw("data", "Forbidden: field is immutable when `immutable` is set")]
    return [
        wrong(path, _at(body, path), IMMUTABLE)
        for path in _FIXED.get(resource.id, ())
        if _at(current, path) is not None and _at(current, path) != _at(body, path)
    ]


_OBJECTS: Final = ("spec", "data")


def _unlike(value: Any, part: str) -> bool:
    del part
    return value is not None and not isinstance(value, dict)


def _at(body: Any, path: str) -> Any:
    for step in path.split("."):
        body = body.get(step) if isinstance(body, Mapping) else None
    return body


def _workload(body: Body) -> Iterator[Flaw]:
    """Deployment, ReplicaSet, StatefulSet, DaemonSet: a selector that takes the template's labels."""
    spec = body.get("spec") or {}
    selector = spec.get("selector")
    if not selector:
        yield required("spec.selector")
    replicas = spec.get("replicas")
    if replicas is not None and (not isinstance(replicas, int) or replicas < 0):
        yield wrong("spec.replicas", replicas, "must be greater than or equal to 0")
    template = spec.get("template")
    if not isinstance(template, Mapping):
        yield required("spec.template")
        return
    labels = (template.get("metadata") or {}).get("labels") or {}
    wanted = (selector or {}).get("matchLabels") or {} if isinstance(selector, Mapping) else {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        yield wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from pods.spec(template.get("spec"), "spec.template.spec")


def _pod(body: Body) -> Iterator[Flaw]:
    yield from pods.spec(body.get("spec"), "spec")


def _job(body: Body) -> Iterator[Flaw]:
    spec = body.get("spec") or {}
    yield from _job_spec(spec, "spec")


def _job_spec(spec: Mapping[str, Any], path: str) -> Iterator[Flaw]:
    template = spec.get("template")
    if not isinstance(template, Mapping):
        yield required(f"{path}.template")
        return
    inner = template.get("spec")
    yield from pods.spec(inner, f"{path}.template.spec")
    policy = inner.get("restartPolicy") if isinstance(inner, Mapping) else None
    if policy not in ("OnFailure", "Never"):
        yield required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')


def _cron(body: Body) -> Iterator[Flaw]:
    spec = body.get("spec") or {}
    if not spec.get("schedule"):
        yield required("spec.schedule")
    job = spec.get("jobTemplate")
    yield from _job_spec((job.get("spec") if isinstance(job, Mapping) else None) or {}, "spec.jobTemplate.spec")


def _service(body: Body) -> Iterator[Flaw]:
    spec = body.get("spec") or {}
    kind = spec.get("type", "ClusterIP")
    if kind not in _SERVICES:
        yield unsupported("spec.type", kind, _SERVICES)
    ports = spec.get("ports") or []
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    for place, port in enumerate(ports if isinstance(ports, list) else []):
        number = port.get("port") if isinstance(port, Mapping) else None
        if number not in _PORTS:
            yield wrong(f"spec.ports[{place}].port", number or 0, "must be between 1 and 65535, inclusive")
        if len(ports) > 1 and not (isinstance(port, Mapping) and port.get("name")):
            yield required(f"spec.ports[{place}].name")


def _binding(body: Body) -> Iterator[Flaw]:
    role = body.get("roleRef")
    if not isinstance(role, Mapping) or not role.get("name"):
        yield required("roleRef.name")
    elif role.get("kind") not in _ROLES:
        yield unsupported("roleRef.kind", role.get("kind") or "", _ROLES)
    for place, subject in enumerate(body.get("subjects") or []):
        if not isinstance(subject, Mapping) or not subject.get("name"):
            yield required(f"subjects[{place}].name")
        elif subject.get("kind") not in _SUBJECTS:
            yield unsupported(f"subjects[{place}].kind", subject.get("kind") or "", _SUBJECTS)


def _role(body: Body) -> Iterator[Flaw]:
    for place, rule in enumerate(body.get("rules") or []):
        if not isinstance(rule, Mapping) or not rule.get("verbs"):
            yield required(f"rules[{place}].verbs", "verbs must contain at least one value")


def _claim(body: Body) -> Iterator[Flaw]:
    spec = body.get("spec") or {}
    if not spec.get("accessModes"):
        yield required("spec.accessModes", "at least 1 access mode is required")
    if not ((spec.get("resources") or {}).get("requests") or {}).get("storage"):
        yield required("spec.resources[storage]")


def _config(body: Body) -> Iterator[Flaw]:
    for part in ("data", "binaryData"):
        for key, value in (body.get(part) or {}).items():
            if not key or names.qualified(key.lstrip(".") or "."):
                yield wrong(f"{part}[{key}]", key, _KEY)
            if not isinstance(value, str):
                yield wrong(f"{part}[{key}]", value, "must be text")


_SERVICES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_ROLES: Final = ("ClusterRole", "Role")
_SUBJECTS: Final = ("Group", "ServiceAccount", "User")
_KEY: Final = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_RBAC: Final = "rbac.authorization.k8s.io"
_RULES: Final[Mapping[str, Rule]] = {
    "pods": _pod,
    "services": _service,
    "configmaps": _config,
    "secrets": _config,
    "persistentvolumeclaims": _claim,
    "deployments.apps": _workload,
    "replicasets.apps": _workload,
    "statefulsets.apps": _workload,
    "daemonsets.apps": _workload,
    "jobs.batch": _job,
    "cronjobs.batch": _cron,
    f"roles.{_RBAC}": _role,
    f"clusterroles.{_RBAC}": _role,
    f"rolebindings.{_RBAC}": _binding,
    f"clusterrolebindings.{_RBAC}": _binding,
    "customresourcedefinitions.apiextensions.k8s.io": definition,
}
_FIXED: Final[Mapping[str, tuple[str, ...]]] = {
    "secrets": ("type",),
    "persistentvolumeclaims": ("spec.storageClassName", "spec.accessModes"),
    "deployments.apps": ("spec.selector",),
    "replicasets.apps": ("spec.selector",),
    "daemonsets.apps": ("spec.selector",),
    "statefulsets.apps": ("spec.selector", "spec.serviceName", "spec.podManagementPolicy"),
    "jobs.batch": ("spec.selector", "spec.template", "spec.completions"),
    "customresourcedefinitions.apiextensions.k8s.io": (
        "spec.group",
        "spec.scope",
        "spec.names.plural",
        "spec.names.kind",
    ),
    f"rolebindings.{_RBAC}": ("roleRef",),
    f"clusterrolebindings.{_RBAC}": ("roleRef",),
}
