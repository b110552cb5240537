"""Types of the fields of each kind. Source: k8s.io/api; what isn't named here is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from libs.sandbox.resource import Resource
from libs.sandbox.rules.shapes import typed
from libs.sandbox.rules.shapes.core import CORE
from libs.sandbox.rules.shapes.parts import META, kind
from libs.sandbox.rules.shapes.pods import CONDITIONS
from libs.sandbox.rules.shapes.typed import (
    FLAG,
    NUMBER,
    OBJECT,
    SELECTOR,
    TEXT,
    TEXTS,
    Each,
    Type,
    texts,
)
from libs.sandbox.rules.shapes.work import WORK

_ANY: Final[dict[str, Type]] = {"apiVersion": TEXT, "kind": TEXT, "metadata": META}


_BACKEND: Final[dict[str, Type]] = {
    "service": {"name": TEXT, "port": {"name": TEXT, "number": NUMBER}},
    "resource": OBJECT,
}
_RULES: Final[list[Type]] = [
    {name: [TEXT] for name in ("apiGroups", "resources", "verbs", "resourceNames", "nonResourceURLs")}
]
_BOUND: Final[dict[str, Type]] = {
    "roleRef": texts("apiGroup kind name"),
    "subjects": [texts("apiGroup kind name namespace")],
}
_RBAC: Final = "rbac.authorization.k8s.io"
_ASKED: Final[dict[str, Type]] = {
    "spec": {
        "user": TEXT,
        "uid": TEXT,
        "groups": [TEXT],
        "extra": Each([TEXT]),
        "namespace": TEXT,
        "resourceAttributes": texts("namespace verb group version resource subresource name"),
        "nonResourceAttributes": texts("path verb"),
    }
}
_AUTHORIZATION: Final = "authorization.k8s.io"
_REST: Final[dict[str, dict[str, Type]]] = {
    f"roles.{_RBAC}": {"rules": _RULES},
    f"clusterroles.{_RBAC}": {"rules": _RULES, "aggregationRule": {"clusterRoleSelectors": [SELECTOR]}},
    f"rolebindings.{_RBAC}": _BOUND,
    f"clusterrolebindings.{_RBAC}": _BOUND,
    f"selfsubjectaccessreviews.{_AUTHORIZATION}": _ASKED,
    f"subjectaccessreviews.{_AUTHORIZATION}": _ASKED,
    f"localsubjectaccessreviews.{_AUTHORIZATION}": _ASKED,
    f"selfsubjectrulesreviews.{_AUTHORIZATION}": _ASKED,
    "ingresses.networking.k8s.io": kind(
        {
            "ingressClassName": TEXT,
            "defaultBackend": _BACKEND,
            "tls": [{"hosts": [TEXT], "secretName": TEXT}],
            "rules": [{"host": TEXT, "http": {"paths": [{**texts("path pathType"), "backend": _BACKEND}]}}],
        },
        {"loadBalancer": {"ingress": [OBJECT]}},
    ),
    "networkpolicies.networking.k8s.io": {
        "spec": {"podSelector": SELECTOR, "policyTypes": [TEXT], "ingress": [OBJECT], "egress": [OBJECT]}
    },
    "ingressclasses.networking.k8s.io": {"spec": {"controller": TEXT, "parameters": OBJECT}},
    "storageclasses.storage.k8s.io": {
        **texts("provisioner reclaimPolicy volumeBindingMode"),
        "parameters": TEXTS,
        "mountOptions": [TEXT],
        "allowVolumeExpansion": FLAG,
    },
    "priorityclasses.scheduling.k8s.io": {"value": NUMBER, "globalDefault": FLAG, "description": TEXT},
    "customresourcedefinitions.apiextensions.k8s.io": {
        "spec": {
            **texts("group scope"),
            "names": {**texts("plural singular kind listKind"), "shortNames": [TEXT], "categories": [TEXT]},
            "versions": [
                {
                    "name": TEXT,
                    "served": FLAG,
                    "storage": FLAG,
                    "deprecated": FLAG,
                    "schema": {"openAPIV3Schema": OBJECT},
                    "subresources": {"status": OBJECT, "scale": TEXTS},
                    "additionalPrinterColumns": [
                        {**texts("name type jsonPath format description"), "priority": NUMBER}
                    ],
                }
            ],
            "conversion": OBJECT,
            "preserveUnknownFields": FLAG,
        },
        "status": {"conditions": CONDITIONS, "storedVersions": [TEXT], "acceptedNames": OBJECT},
    },
}
_KINDS: Final[Mapping[str, dict[str, Type]]] = {
    identity: {**_ANY, **shape} for identity, shape in (CORE | WORK | _REST).items()
}


def check(resource: Resource, body: Any) -> None:
    """Raise `Malformed` where a field of an object of this kind is of the wrong type."""
    about = f'{resource.kind} in version "{resource.versions[0]}" cannot be handled as a {resource.kind}'
    typed.check(body, _KINDS.get(resource.store, _ANY), about)
