"""The simulated world around the API server: its controllers, its nodes, its rights, and what a new one has."""

from __future__ import annotations

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
from libs.sandbox.nodes.kubelet import Kubelet
from libs.sandbox.nodes.machines import Heartbeats
from libs.sandbox.nodes.scheduler import Scheduler
from libs.sandbox.objects import Objects


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
