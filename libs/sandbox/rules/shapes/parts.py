"""Types that several kinds share."""

from __future__ import annotations

from typing import Final

from libs.sandbox.rules.shapes.pods import CONDITIONS, POD_SPEC, RESOURCES
from libs.sandbox.rules.shapes.typed import (
    FLAG,
    NUMBER,
    OBJECT,
    SELECTOR,
    TEXT,
    TEXTS,
    Type,
    texts,
)

_OWNER: Final[dict[str, Type]] = {
    **texts("apiVersion kind name uid"),
    "controller": FLAG,
    "blockOwnerDeletion": FLAG,
}
_MANAGED: Final[dict[str, Type]] = {
    **texts("manager operation apiVersion subresource time fieldsType"),
    "fieldsV1": OBJECT,
}
META: Final[dict[str, Type]] = {
    **texts("name generateName namespace uid resourceVersion creationTimestamp deletionTimestamp selfLink"),
    "generation": NUMBER,
    "deletionGracePeriodSeconds": NUMBER,
    "labels": TEXTS,
    "annotations": TEXTS,
    "finalizers": [TEXT],
    "ownerReferences": [_OWNER],
    "managedFields": [_MANAGED],
}


def numbers(names: str) -> dict[str, Type]:
    """Members that are whole numbers, their names written with spaces between them."""
    return dict.fromkeys(names.split(), NUMBER)


TEMPLATE: Final[dict[str, Type]] = {"metadata": META, "spec": POD_SPEC}
COUNTED: Final[dict[str, Type]] = {
    **numbers("observedGeneration replicas readyReplicas availableReplicas updatedReplicas unavailableReplicas"),
    **numbers("currentReplicas fullyLabeledReplicas collisionCount active succeeded failed ready"),
    **numbers("currentNumberScheduled desiredNumberScheduled numberAvailable numberReady numberMisscheduled"),
    **numbers("numberUnavailable updatedNumberScheduled currentHealthy desiredHealthy disruptionsAllowed"),
    **texts("currentRevision updateRevision startTime completionTime"),
    "conditions": CONDITIONS,
}
CLAIM: Final[dict[str, Type]] = {
    **texts("storageClassName volumeName volumeMode"),
    "accessModes": [TEXT],
    "resources": RESOURCES,
    "selector": SELECTOR,
}
REFERENCE: Final[dict[str, Type]] = texts("kind namespace name uid apiVersion resourceVersion fieldPath")


def kind(spec: dict[str, Type], status: dict[str, Type] | None = None) -> dict[str, Type]:
    """A kind of spec and status."""
    return {"spec": spec, "status": COUNTED if status is None else status}
