"""Types of what runs Pods: apps, batch, autoscaling, policy; and leases and endpoints."""

from __future__ import annotations

from typing import Final

from libs.sandbox.rules.shapes.parts import CLAIM, META, REFERENCE, TEMPLATE, kind, numbers
from libs.sandbox.rules.shapes.pods import CONDITIONS
from libs.sandbox.rules.shapes.typed import (
    EITHER,
    FLAG,
    NUMBER,
    OBJECT,
    SELECTOR,
    TEXT,
    Type,
    texts,
)

_ROLLING: Final[dict[str, Type]] = {
    "type": TEXT,
    "rollingUpdate": {"maxSurge": EITHER, "maxUnavailable": EITHER, "partition": NUMBER},
}
_JOB: Final[dict[str, Type]] = {
    **numbers("parallelism completions backoffLimit activeDeadlineSeconds ttlSecondsAfterFinished"),
    "completionMode": TEXT,
    "suspend": FLAG,
    "manualSelector": FLAG,
    "selector": SELECTOR,
    "template": TEMPLATE,
}


def _set(**more: Type) -> dict[str, Type]:
    """What runs copies of a template."""
    plain = numbers("replicas minReadySeconds revisionHistoryLimit progressDeadlineSeconds")
    return kind({**plain, "selector": SELECTOR, "template": TEMPLATE, **more})


WORK: Final[dict[str, dict[str, Type]]] = {
    "deployments.apps": _set(strategy=_ROLLING, paused=FLAG),
    "replicasets.apps": _set(),
    "statefulsets.apps": _set(
        serviceName=TEXT,
        podManagementPolicy=TEXT,
        updateStrategy=_ROLLING,
        volumeClaimTemplates=[{"metadata": META, "spec": CLAIM}],
        persistentVolumeClaimRetentionPolicy=texts("whenDeleted whenScaled"),
    ),
    "daemonsets.apps": _set(updateStrategy=_ROLLING),
    "controllerrevisions.apps": {"revision": NUMBER},
    "jobs.batch": kind(_JOB),
    "cronjobs.batch": kind(
        {
            **texts("schedule timeZone concurrencyPolicy"),
            **numbers("startingDeadlineSeconds successfulJobsHistoryLimit failedJobsHistoryLimit"),
            "suspend": FLAG,
            "jobTemplate": {"metadata": META, "spec": _JOB},
        },
        {"active": [REFERENCE], **texts("lastScheduleTime lastSuccessfulTime")},
    ),
    "horizontalpodautoscalers.autoscaling": kind(
        {
            "scaleTargetRef": texts("kind name apiVersion"),
            **numbers("minReplicas maxReplicas"),
            "metrics": [OBJECT],
            "behavior": OBJECT,
        },
        {**numbers("currentReplicas desiredReplicas observedGeneration"), "conditions": CONDITIONS},
    ),
    "poddisruptionbudgets.policy": kind({"minAvailable": EITHER, "maxUnavailable": EITHER, "selector": SELECTOR}),
    "leases.coordination.k8s.io": {
        "spec": {
            **texts("holderIdentity renewTime acquireTime"),
            **numbers("leaseDurationSeconds leaseTransitions"),
        }
    },
    "endpointslices.discovery.k8s.io": {"addressType": TEXT, "endpoints": [OBJECT], "ports": [OBJECT]},
}
