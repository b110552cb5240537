"""The simulated world around the API server: its controllers, its nodes, its rights, and what a new one has."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

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
from libs.sandbox.nodes.machines import Heartbeats
from libs.sandbox.nodes.measured import NODES, PODS, Measured
from libs.sandbox.nodes.podlog import PodLogs
from libs.sandbox.nodes.proxy import Meters, Proxy
from libs.sandbox.nodes.scheduler import Scheduler
from libs.sandbox.objects import Body, Objects
from libs.sandbox.rbac import RBAC, Authorizer, Caller, Rule
from libs.sandbox.seed.sowing import sow


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


def whole(objects: Objects, *, demo: bool = False) -> Hooks:
    """The whole of it: what a new cluster has, the demo's workloads among it or not, who may do what, what nodes and
    pods tell, and all that acts by itself.
    """
    authorizer = Authorizer(lambda kind, namespace: objects.list(f"{kind}.{RBAC}", namespace))
    meters = Meters(objects)
    measured = Measured(objects, meters)
    for resource in (NODES, PODS):
        objects.catalogue.add(resource)

    def authorize(user: str, groups: tuple[str, ...], what: Attributes) -> bool:
        return authorizer.allows(Caller(user, groups), what)

    def rules(user: str, groups: tuple[str, ...], namespace: str) -> list[Rule]:
        return authorizer.rules(Caller(user, groups), namespace)

    def vet(user: str, groups: tuple[str, ...], what: Attributes, wanted: Body) -> None:
        authorizer.refuse_escalation(Caller(user, groups), what.resource, what.namespace, wanted)

    return Hooks(
        prepare=partial(sow, objects, with_demo=demo),
        controllers=(moving(objects, _Log()).run,),
        authorize=authorize,
        rules=rules,
        vet=vet,
        node_proxy=Proxy(objects, meters),
        pod_log=PodLogs(objects),
        computed={NODES.id: measured.nodes, PODS.id: measured.pods},
    )


class _Log:
    """What the loop says, in the program's log."""

    def warning(self, text: str, **about: Any) -> None:
        """One line."""
        logging.getLogger(__name__).warning("%s %s", text, about)
