"""Kinds of others that are there from the start: Istio's traffic rules and the Gateway API's, as definitions."""

from __future__ import annotations

from typing import Any, Final

from libs.sandbox import crds
from libs.sandbox.objects import Objects

_ISTIO: Final = ("networking.istio.io", ("v1", "v1beta1", "v1alpha3"))
_GATEWAY: Final = ("gateway.networking.k8s.io", ("v1", "v1beta1"))
_INSTALLED: Final = (
    (_ISTIO, "VirtualService", "virtualservices", "vs"),
    (_ISTIO, "DestinationRule", "destinationrules", "dr"),
    (_ISTIO, "Gateway", "gateways", "gw"),
    (_ISTIO, "ServiceEntry", "serviceentries", "se"),
    (_GATEWAY, "HTTPRoute", "httproutes", ""),
    (_GATEWAY, "Gateway", "gateways", "gtw"),
)


def install(objects: Objects) -> None:
    """Put the definitions that aren't there, and serve all that are."""
    for (group, versions), kind, plural, short in _INSTALLED:
        body = _definition(group, versions, kind, plural, short)
        if objects.find(crds.CRDS, body["metadata"]["name"]) is None:
            crds.follow(objects, objects.create(crds.CRDS, body))
    crds.serve_all(objects)


def _definition(group: str, versions: tuple[str, ...], kind: str, plural: str, short: str) -> dict[str, Any]:
    names: dict[str, Any] = {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": kind.lower(),
    }
    if short:
        names["shortNames"] = [short]
    return {
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": names,
            "conversion": {"strategy": "None"},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": version == versions[0],
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    "subresources": {"status": {}},
                }
                for version in versions
            ],
        },
    }
