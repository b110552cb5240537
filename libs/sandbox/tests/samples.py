"""One whole object of each kind that others make, and every way to put one wrong value into it."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

Path = tuple[str | int, ...]

LABELS = {"app": "a"}
SELECTOR = {"matchLabels": LABELS}
RESOURCES = {"requests": {"storage": "1Gi"}}
CONTAINER = {
    "name": "m",
    "image": "nginx",
    "ports": [{"containerPort": 80}],
    "env": [{"name": "A", "value": "b"}],
    "resources": {"requests": {"cpu": "1"}},
}
POD = {"containers": [CONTAINER], "restartPolicy": "Always", "volumes": [{"name": "v", "emptyDir": {}}]}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": POD}
JOB = {"template": {"spec": {**POD, "restartPolicy": "Never"}}, "completions": 1}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": RESOURCES}
RBAC = "/apis/rbac.authorization.k8s.io/v1"
HERE = "namespaces/default"
REFERENCE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "p"}
RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
PATHS = [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "a", "port": {"number": 80}}}}]

SAMPLES: dict[str, dict[str, Any]] = {
    f"/api/v1/{HERE}/pods": {"metadata": {"name": "p", "finalizers": ["a.b/c"]}, "spec": POD},
    f"/api/v1/{HERE}/services": {
        "metadata": {"name": "p"},
        "spec": {"type": "NodePort", "selector": LABELS, "ports": [{"name": "a", "port": 80, "nodePort": 30001}]},
    },
    f"/api/v1/{HERE}/configmaps": {"metadata": {"name": "p", "labels": LABELS}, "data": {"a": "b"}},
    f"/api/v1/{HERE}/secrets": {"metadata": {"name": "p"}, "stringData": {"a": "b"}, "data": {"c": "ZA=="}},
    f"/api/v1/{HERE}/persistentvolumeclaims": {"metadata": {"name": "p"}, "spec": CLAIM},
    "/api/v1/namespaces": {"metadata": {"name": "p"}, "spec": {"finalizers": ["kubernetes"]}},
    f"/apis/apps/v1/{HERE}/deployments": {
        "metadata": {"name": "p", "annotations": {"a": "b"}},
        "spec": {"replicas": 1, "selector": SELECTOR, "template": TEMPLATE, "strategy": {"type": "RollingUpdate"}},
    },
    f"/apis/apps/v1/{HERE}/statefulsets": {
        "metadata": {"name": "p"},
        "spec": {
            "serviceName": "x",
            "selector": SELECTOR,
            "template": TEMPLATE,
            "volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": CLAIM}],
        },
    },
    f"/apis/batch/v1/{HERE}/jobs": {"metadata": {"name": "p"}, "spec": JOB},
    f"/apis/batch/v1/{HERE}/cronjobs": {
        "metadata": {"name": "p"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": JOB}},
    },
    f"/apis/networking.k8s.io/v1/{HERE}/ingresses": {
        "metadata": {"name": "p"},
        "spec": {"rules": [{"host": "a", "http": {"paths": PATHS}}]},
    },
    f"{RBAC}/{HERE}/roles": {"metadata": {"name": "p"}, "rules": [RULE]},
    f"{RBAC}/{HERE}/rolebindings": {
        "metadata": {"name": "p"},
        "roleRef": REFERENCE,
        "subjects": [{"kind": "User", "name": "bob"}],
    },
    f"/apis/events.k8s.io/v1/{HERE}/events": {"metadata": {"name": "q"}, "regarding": {"kind": "Pod"}, "note": "a"},
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": {
        "metadata": {"name": "boats.sea.example"},
        "spec": {
            "group": "sea.example",
            "scope": "Namespaced",
            "names": {"kind": "Boat", "plural": "boats", "shortNames": ["b"]},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    },
    "/apis/authorization.k8s.io/v1/subjectaccessreviews": {
        "spec": {"user": "a", "groups": ["b"], "resourceAttributes": {"verb": "get", "resource": "pods"}}
    },
}

WRONG: tuple[Any, ...] = (None, 1, "", [], {"a": 1}, [None], "x" * 300)


def broken(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Copies of an object, each with one value replaced by a wrong one."""
    for path in _paths(body, ()):
        for value in WRONG:
            copy = deepcopy(body)
            part: Any = copy
            for step in path[:-1]:
                part = part[step]
            part[path[-1]] = value
            yield copy


def _paths(value: Any, path: Path) -> Iterator[Path]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*path, key))
