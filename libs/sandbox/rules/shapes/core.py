"""Types of the core group's fields. Source: k8s.io/api/core/v1."""

from __future__ import annotations

from typing import Final

from libs.sandbox.rules.shapes.parts import CLAIM, REFERENCE, TEMPLATE, kind
from libs.sandbox.rules.shapes.pods import CONDITIONS, POD_SPEC, POD_STATUS
from libs.sandbox.rules.shapes.typed import (
    BLOBS,
    EITHER,
    FLAG,
    NUMBER,
    OBJECT,
    QUANTITIES,
    TEXT,
    TEXTS,
    Type,
    texts,
)

CORE: Final[dict[str, dict[str, Type]]] = {
    "namespaces": {"spec": {"finalizers": [TEXT]}, "status": {"phase": TEXT, "conditions": CONDITIONS}},
    "nodes": kind(
        {
            "unschedulable": FLAG,
            **texts("podCIDR providerID"),
            "podCIDRs": [TEXT],
            "taints": [texts("key value effect timeAdded")],
        },
        {
            "capacity": QUANTITIES,
            "allocatable": QUANTITIES,
            "conditions": CONDITIONS,
            "addresses": [texts("type address")],
            "nodeInfo": TEXTS,
        },
    ),
    "pods": {"spec": POD_SPEC, "status": POD_STATUS},
    "podtemplates": {"template": TEMPLATE},
    "replicationcontrollers": kind({"replicas": NUMBER, "selector": TEXTS, "template": TEMPLATE}),
    "configmaps": {"data": TEXTS, "binaryData": BLOBS, "immutable": FLAG},
    "secrets": {"type": TEXT, "data": BLOBS, "stringData": TEXTS, "immutable": FLAG},
    "services": kind(
        {
            **texts("type clusterIP sessionAffinity externalName internalTrafficPolicy externalTrafficPolicy"),
            **texts("ipFamilyPolicy loadBalancerIP loadBalancerClass"),
            "clusterIPs": [TEXT],
            "ipFamilies": [TEXT],
            "externalIPs": [TEXT],
            "selector": TEXTS,
            "publishNotReadyAddresses": FLAG,
            "ports": [
                {**texts("name protocol appProtocol"), "port": NUMBER, "nodePort": NUMBER, "targetPort": EITHER},
            ],
        },
        {"loadBalancer": {"ingress": [OBJECT]}, "conditions": CONDITIONS},
    ),
    "serviceaccounts": {"secrets": [OBJECT], "imagePullSecrets": [OBJECT], "automountServiceAccountToken": FLAG},
    "persistentvolumeclaims": kind(CLAIM, {"phase": TEXT, "accessModes": [TEXT], "capacity": QUANTITIES}),
    "persistentvolumes": kind(
        {
            **texts("storageClassName persistentVolumeReclaimPolicy volumeMode"),
            "capacity": QUANTITIES,
            "accessModes": [TEXT],
            "claimRef": REFERENCE,
        },
        texts("phase reason message"),
    ),
    "resourcequotas": kind({"hard": QUANTITIES, "scopes": [TEXT]}, {"hard": QUANTITIES, "used": QUANTITIES}),
    "limitranges": {"spec": {"limits": [OBJECT]}},
    "events": {
        **texts("reason message type action firstTimestamp lastTimestamp eventTime reportingComponent"),
        "reportingInstance": TEXT,
        "involvedObject": REFERENCE,
        "related": REFERENCE,
        "source": texts("component host"),
        "count": NUMBER,
        "series": {"count": NUMBER, "lastObservedTime": TEXT},
    },
    "endpoints": {"subsets": [{"addresses": [OBJECT], "notReadyAddresses": [OBJECT], "ports": [OBJECT]}]},
}
