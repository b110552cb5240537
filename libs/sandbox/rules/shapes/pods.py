"""Types of a Pod's fields. Source: k8s.io/api/core/v1."""

from __future__ import annotations

from typing import Final

from libs.sandbox.rules.shapes.typed import (
    EITHER,
    FLAG,
    NUMBER,
    OBJECT,
    QUANTITIES,
    SELECTOR,
    TEXT,
    TEXTS,
    Each,
    Type,
    texts,
)

_SECONDS: Final[dict[str, Type]] = dict.fromkeys(
    ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"), NUMBER
)
_PROBE: Final[dict[str, Type]] = {
    **_SECONDS,
    "httpGet": {**texts("path host scheme"), "port": EITHER},
    "tcpSocket": {"host": TEXT, "port": EITHER},
    "exec": {"command": [TEXT]},
    "grpc": {"port": NUMBER, "service": TEXT},
}
RESOURCES: Final[dict[str, Type]] = {"requests": QUANTITIES, "limits": QUANTITIES}
CONTAINER: Final[dict[str, Type]] = {
    **texts("name image imagePullPolicy workingDir terminationMessagePath terminationMessagePolicy restartPolicy"),
    "command": [TEXT],
    "args": [TEXT],
    "ports": [{**texts("name protocol hostIP"), "containerPort": NUMBER, "hostPort": NUMBER}],
    "env": [{**texts("name value"), "valueFrom": OBJECT}],
    "envFrom": [OBJECT],
    "resources": RESOURCES,
    "volumeMounts": [{**texts("name mountPath subPath"), "readOnly": FLAG}],
    "volumeDevices": [texts("name devicePath")],
    "livenessProbe": _PROBE,
    "readinessProbe": _PROBE,
    "startupProbe": _PROBE,
    "lifecycle": OBJECT,
    "securityContext": OBJECT,
    "stdin": FLAG,
    "tty": FLAG,
}
_VOLUME: Final[dict[str, Type]] = {
    "name": TEXT,
    "persistentVolumeClaim": {"claimName": TEXT, "readOnly": FLAG},
    "configMap": {"name": TEXT, "items": [OBJECT]},
    "secret": {"secretName": TEXT, "items": [OBJECT]},
    "emptyDir": OBJECT,
    "hostPath": texts("path type"),
}
_TOLERATION: Final[dict[str, Type]] = {**texts("key operator value effect"), "tolerationSeconds": NUMBER}
POD_SPEC: Final[dict[str, Type]] = {
    **texts("restartPolicy dnsPolicy nodeName hostname subdomain schedulerName serviceAccountName serviceAccount"),
    **texts("priorityClassName runtimeClassName"),
    **dict.fromkeys(("terminationGracePeriodSeconds", "activeDeadlineSeconds", "priority"), NUMBER),
    **dict.fromkeys(("hostNetwork", "hostPID", "hostIPC", "automountServiceAccountToken", "enableServiceLinks"), FLAG),
    "containers": [CONTAINER],
    "initContainers": [CONTAINER],
    "ephemeralContainers": [CONTAINER],
    "volumes": [_VOLUME],
    "nodeSelector": TEXTS,
    "affinity": OBJECT,
    "tolerations": [_TOLERATION],
    "imagePullSecrets": [{"name": TEXT}],
    "hostAliases": [{"ip": TEXT, "hostnames": [TEXT]}],
    "securityContext": OBJECT,
    "topologySpreadConstraints": [{**texts("topologyKey whenUnsatisfiable"), "labelSelector": SELECTOR}],
    "readinessGates": [{"conditionType": TEXT}],
    "overhead": QUANTITIES,
}
CONDITIONS: Final[list[Type]] = [texts("type status reason message lastTransitionTime")]
_CONTAINER_STATUS: Final[dict[str, Type]] = {
    **texts("name image imageID containerID"),
    "ready": FLAG,
    "started": FLAG,
    "restartCount": NUMBER,
    "state": Each(OBJECT),
    "lastState": Each(OBJECT),
}
POD_STATUS: Final[dict[str, Type]] = {
    **texts("phase reason message podIP hostIP qosClass startTime nominatedNodeName"),
    "conditions": CONDITIONS,
    "podIPs": [{"ip": TEXT}],
    "containerStatuses": [_CONTAINER_STATUS],
    "initContainerStatuses": [_CONTAINER_STATUS],
}
