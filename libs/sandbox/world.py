"""The simulated world around the API server: its controllers, its nodes, its rights, and what a new one has."""

from __future__ import annotations

import logging
from typing import Any, Final

from libs.sandbox.controllers.collector import Collector
from libs.sandbox.controllers.cronjob import CronJobs
from libs.sandbox.controllers.daemonset import DaemonSets
from libs.sandbox.controllers.deployment import Deployments
from libs.sandbox.controllers.happenings import Forgetting
from libs.sandbox.controllers.job import Jobs
from libs.sandbox.controllers.loop import Loop
from libs.sandbox.controllers.namespaces import Namespaces
from libs.sandbox.controllers.replicaset import ReplicaSets
from libs.sandbox.controllers.services import Services
from libs.sandbox.controllers.statefulset import StatefulSets
from libs.sandbox.controllers.volumes import Volumes
from libs.sandbox.hooks import Attributes, Hooks
from libs.sandbox.nodes.kubelet import Kubelet
from libs.sandbox.nodes.machines import NODES, Heartbeats, node
from libs.sandbox.nodes.scheduler import Scheduler
from libs.sandbox.objects import Body, Objects
from libs.sandbox.rbac import RBAC, Authorizer, Caller
from libs.sandbox.seed import rights
from libs.shared.objects.meta import instant

_SPACES: Final = ("default", "kube-node-lease", "kube-public", "kube-system")


def moving(objects: Objects, log: Any) -> Loop:
    """Everything that acts by itself, in one loop."""
    return Loop(
        objects,
        (
            Namespaces(objects),
            Collector(objects),
            Scheduler(objects),
            Kubelet(objects),
            ReplicaSets(objects),
            Deployments(objects),
            StatefulSets(objects),
            DaemonSets(objects),
            Jobs(objects),
            CronJobs(objects),
            Services(objects),
            Volumes(objects),
            Heartbeats(objects),
            Forgetting(objects),
        ),
        log,
    )


def whole(objects: Objects) -> Hooks:
    """The whole of it: what a new cluster has, who may do what, and all that acts by itself."""
    authorizer = Authorizer(lambda kind, namespace: objects.list(f"{kind}.{RBAC}", namespace))

    def authorize(user: str, groups: tuple[str, ...], what: Attributes) -> bool:
        return authorizer.allows(Caller(user, groups), what)

    def prepare() -> None:
        for name in _SPACES:
            _stands(objects, "namespaces", {"metadata": {"name": name}, "spec": {"finalizers": ["kubernetes"]}})
        for name in NODES:
            _stands(objects, "nodes", node(name, instant(objects.clock())))
        for role in rights.cluster_roles():
            _stands(objects, f"clusterroles.{RBAC}", role)
        for binding in rights.cluster_bindings():
            _stands(objects, f"clusterrolebindings.{RBAC}", binding)

    return Hooks(prepare=prepare, controllers=(moving(objects, _Log()).run,), authorize=authorize)


def _stands(objects: Objects, resource: str, body: Body) -> None:
    if objects.find(resource, body["metadata"]["name"]) is None:
        objects.create(resource, body)


class _Log:
    """What the loop says, in the program's log."""

    def warning(self, text: str, **about: Any) -> None:
        """One line."""
        logging.getLogger(__name__).warning("%s %s", text, about)
