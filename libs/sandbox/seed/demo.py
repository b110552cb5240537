"""The demo: a project of the workspace `demo-ws` with one workload of each kind."""

from __future__ import annotations

from typing import Final

from libs.sandbox.seed.shapes import Body, Box, Seed, labels, namespace, service, template, workload

WORKSPACE: Final = "demo-ws"
PROJECT: Final = "demo-project"
_CREATOR: Final = {"kubesphere.io/creator": "admin", "kubesphere.io/description": "Some workloads to look at"}


def project() -> Seed:
    """The project itself."""
    return namespace(PROJECT, WORKSPACE, _CREATOR)


def contents() -> tuple[Seed, ...]:
    """What runs in it."""
    web = Box("web", "nginx:1.27", ("100m", "64Mi"), ("500m", "128Mi"), _open(80))
    api = Box("api", "registry.example.com/demo/orders-api:1.4.2", ("150m", "128Mi"), ("1", "256Mi"), _open(8080))
    mounts = {"volumeMounts": [{"name": "data", "mountPath": "/var/lib/postgresql/data"}]}
    db = Box("postgres", "postgres:16.4", ("200m", "256Mi"), ("1", "512Mi"), {**_open(5432), **mounts})
    agent = Box("agent", "fluent/fluent-bit:3.1", ("20m", "32Mi"), ("100m", "64Mi"))
    return (
        workload("deployments", PROJECT, "web", web, replicas=2),
        service(PROJECT, "web", 80),
        workload("deployments", PROJECT, "api", api, replicas=2),
        service(PROJECT, "api", 8080),
        workload("statefulsets", PROJECT, "db", db, replicas=2, serviceName="db", volumeClaimTemplates=[_claim()]),
        service(PROJECT, "db", 5432, clusterIP="None", protocol="postgres"),
        workload("daemonsets", PROJECT, "agent", agent),
        _report(),
        _import(),
        Seed("configmaps", {"metadata": {"name": "web"}, "data": {"greeting": "hello"}}, PROJECT),
    )


def _open(port: int) -> Body:
    return {"ports": [{"name": "main", "containerPort": port}]}


def _claim() -> Body:
    size = {"requests": {"storage": "2Gi"}}
    return {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": size}}


def _job(name: str, command: str) -> Body:
    box = Box(name, "busybox:1.37", ("50m", "32Mi"), ("200m", "64Mi"), {"command": ["sh", "-c", command]})
    return {"template": template(name, box, restartPolicy="Never"), "backoffLimit": 2}


def _report() -> Seed:
    job = {"metadata": {"labels": labels("report")}, "spec": _job("report", "sleep 5")}
    spec = {"schedule": "*/10 * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": job}
    return Seed("cronjobs.batch", {"metadata": {"name": "report", "labels": labels("report")}, "spec": spec}, PROJECT)


def _import() -> Seed:
    metadata = {"name": "import", "labels": labels("import")}
    return Seed("jobs.batch", {"metadata": metadata, "spec": _job("import", "sleep 3")}, PROJECT)
