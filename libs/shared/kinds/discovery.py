"""Discovery: what groups, versions and resources there are, for one service and merged for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from libs.shared.kinds.kind import JsonObject, Kind

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
"""Media type of aggregated discovery, as clients ask for it and as it is answered."""
INTERNAL_PATH = "/internal/kinds"
"""Where a service tells the gateway of its kinds; it answers with `APIGroupDiscoveryList`, which holds all there is."""

_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")


def verbs(kind: Kind[Any]) -> list[str]:
    """What can be done with a kind, in Kubernetes' words."""
    able = {
        "create": kind.create is not None,
        "delete": kind.remove is not None,
        "get": True,
        "list": True,
        "patch": kind.update is not None,
        "update": kind.update is not None,
        "watch": kind.watched,
    }
    return [verb for verb, can in able.items() if can]


def groups(kinds: Iterable[Kind[Any]]) -> JsonObject:
    """The kinds as an `APIGroupDiscoveryList`, from which the other documents are made."""
    found: dict[str, dict[str, list[Kind[Any]]]] = {}
    for kind in kinds:
        found.setdefault(kind.group, {}).setdefault(kind.version, []).append(kind)
    return _discovery_list(
        {
            "metadata": {"name": group, "creationTimestamp": None},
            "versions": [
                {
                    "version": version,
                    "resources": [_resource(kind) for kind in sorted(versions[version], key=lambda kind: kind.plural)],
                    "freshness": "Current",
                }
                for version in sorted(versions, key=_newest_first)
            ],
        }
        for group, versions in sorted(found.items())
    )


def merged(lists: Iterable[JsonObject]) -> JsonObject:
    """Several services' lists (or a cluster's) as one: a group served by several holds the versions and resources of
    all. Where two tell of the same resource, the earlier list counts.
    """
    found: dict[str, dict[str, dict[str, JsonObject]]] = {}
    for item in (item for one in lists for item in one.get("items", ())):
        versions = found.setdefault(item["metadata"]["name"], {})
        for version in item["versions"]:
            resources = versions.setdefault(version["version"], {})
            for resource in version.get("resources", ()):
                resources.setdefault(resource["resource"], resource)
    return _discovery_list(
        {
            "metadata": {"name": group, "creationTimestamp": None},
            "versions": [
                {"version": version, "resources": list(versions[version].values()), "freshness": "Current"}
                for version in sorted(versions, key=_newest_first)
            ],
        }
        for group, versions in sorted(found.items())
    )


def group_list(found: JsonObject) -> JsonObject:
    """`/apis`: the `APIGroupList` of a discovery list."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(item) for item in found["items"]]}


def group(found: JsonObject, name: str) -> JsonObject | None:
    """`/apis/<group>`: the `APIGroup`, or None where there is none."""
    for item in found["items"]:
        if item["metadata"]["name"] == name:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(item)}
    return None


def resources(found: JsonObject, name: str, version: str) -> JsonObject | None:
    """`/apis/<group>/<version>`: the `APIResourceList`, or None where there is none."""
    for item in found["items"]:
        for one in item["versions"]:
            if (item["metadata"]["name"], one["version"]) == (name, version):
                return {
                    "kind": "APIResourceList",
                    "apiVersion": "v1",
                    "groupVersion": f"{name}/{version}",
                    "resources": [_plain_resource(resource) for resource in one["resources"]],
                }
    return None


def _discovery_list(items: Iterable[JsonObject]) -> JsonObject:
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": list(items),
    }


def _resource(kind: Kind[Any]) -> JsonObject:
    whole: JsonObject = {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": verbs(kind),
    }
    return whole | _filled(shortNames=kind.short_names, categories=kind.categories)


def _plain_resource(resource: Mapping[str, Any]) -> JsonObject:
    return {
        "name": resource["resource"],
        "singularName": resource.get("singularResource", ""),
        "namespaced": resource["scope"] == "Namespaced",
        "kind": resource["responseKind"]["kind"],
        "verbs": resource["verbs"],
    } | _filled(shortNames=resource.get("shortNames", ()), categories=resource.get("categories", ()))


def _group(item: Mapping[str, Any]) -> JsonObject:
    name = item["metadata"]["name"]
    versions = [
        {"groupVersion": f"{name}/{version['version']}", "version": version["version"]} for version in item["versions"]
    ]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _filled(**lists: Sequence[str]) -> JsonObject:
    return {name: list(members) for name, members in lists.items() if members}


def _newest_first(version: str) -> tuple[int, int, int, str]:
    """Kubernetes' order of versions: v2, v1, v1beta2, v1beta1, v1alpha1, then what is no version, by name."""
    read = _VERSION.fullmatch(version)
    if read is None:
        return 3, 0, 0, version
    major, stage, minor = int(read[1]), read[2], int(read[3] or 0)
    return {None: 0, "beta": 1, "alpha": 2}[stage], -major, -minor, version
