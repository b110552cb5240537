"""What there is: versions, groups, resources, in the plain and the aggregated form, and their OpenAPI documents."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import orjson
from aiohttp import web

from libs.sandbox.api import openapi
from libs.sandbox.api.place import unknown
from libs.sandbox.api.status import JSON
from libs.sandbox.resource import Catalogue, Resource

Body = dict[str, Any]
VERSION: Final = {
    "major": "1",
    "minor": "33",
    "gitVersion": "v1.33.0+orrery-sandbox",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2025-04-23T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}
"""Says what it is: a sandbox that follows this version."""
_AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
_DEEPEST: Final = {"api": 1, "apis": 2}
_OTHERS: Final = ("/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version")
_FORMS: Final = ("v2", "v2beta1")
_PART_VERBS: Final = ("get", "patch", "update")
_VERBS: Final = {
    "log": ("get",),
    "proxy": ("get",),
    "eviction": ("create",),
    "finalize": ("update",),
}
_KINDS: Final = {"scale": ("autoscaling", "v1", "Scale"), "eviction": ("policy", "v1", "Eviction")}


class Discovery:
    """Answers are made when first asked for, and again when the catalogue has changed."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._seen = -1
        self._made: dict[tuple[str, str], bytes] = {}

    def answer(self, request: web.BaseRequest, path: str) -> web.Response:
        """What stands at a path; raises `Missing`."""
        if self._seen != self._catalogue.changed:
            self._made.clear()
            self._seen = self._catalogue.changed
        form = _form(request) if path in ("/api", "/apis") else ""
        if (raw := self._made.get((path, form))) is None:
            raw = orjson.dumps(self._make(path.rstrip("/") or "/", form))
            self._made[path, form] = raw
        tag = f'"{hashlib.sha256(raw).hexdigest()[:32]}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        media = _AGGREGATED.format(form) if form else JSON
        return web.Response(body=raw, headers={"ETag": tag, "Content-Type": media, "Vary": "Accept"})

    def _make(self, path: str, form: str) -> Body:
        head, *rest = path.split("/")[1:]
        if form:
            return _aggregated(self._catalogue, core=head == "api", form=form)
        if path == "/version":
            return dict(VERSION)
        if head == "openapi":
            return self._openapi(rest)
        if not head:
            return {"paths": _paths(self._catalogue)}
        if head in ("api", "apis") and len(rest) <= _DEEPEST[head]:
            return self._groups(rest) if head == "apis" else self._core(rest)
        raise unknown()

    def _core(self, rest: list[str]) -> Body:
        if rest:
            return self._resources("", rest[0])
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}

    def _groups(self, rest: list[str]) -> Body:
        match rest:
            case [group, version]:
                return self._resources(group, version)
            case [group]:
                return self._one_group(group)
        groups = [_group(name, found) for name, found in self._catalogue.groups().items() if name]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def _one_group(self, group: str) -> Body:
        found = self._catalogue.groups().get(group)
        if not group or found is None:
            raise unknown()
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, found)}

    def _resources(self, group: str, version: str) -> Body:
        found = _of(self._catalogue, group, version)
        if not found:
            raise unknown()
        rows = [row for resource in found for row in _rows(resource)]
        place = f"{group}/{version}" if group else version
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": place, "resources": rows}

    def _openapi(self, rest: list[str]) -> Body:
        if rest == ["v2"]:
            return openapi.old(self._catalogue)
        if rest == ["v3"]:
            return openapi.index(self._catalogue)
        found = openapi.document(self._catalogue, "/".join(rest[1:])) if rest[:1] == ["v3"] else None
        if found is None:
            raise unknown()
        return found


def _paths(catalogue: Catalogue) -> list[str]:
    """Where something can be found out."""
    groups = {name: versions for name, versions in catalogue.groups().items() if name}
    places = [f"/apis/{name}/{version}" for name, versions in groups.items() for version in versions]
    return ["/api", "/api/v1", "/apis", *(f"/apis/{name}" for name in groups), *places, *_OTHERS]


def _form(request: web.BaseRequest) -> str:
    """The version of the aggregated form that is asked for before the plain one, or nothing."""
    for offer in request.headers.get("Accept", "").split(","):
        media, *parameters = (part.strip() for part in offer.split(";"))
        wanted = dict(parameter.partition("=")[::2] for parameter in parameters)
        if media == JSON and wanted.get("as") == "APIGroupDiscoveryList" and wanted.get("v") in _FORMS:
            return wanted["v"]
        if media in (JSON, "*/*") and "as" not in wanted:
            return ""
    return ""


def _of(catalogue: Catalogue, group: str, version: str) -> list[Resource]:
    return [resource for resource in catalogue if resource.group == group and version in resource.versions]


def _group(name: str, versions: tuple[str, ...]) -> Body:
    found = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": found, "preferredVersion": found[0]}


def _rows(resource: Resource) -> list[Body]:
    row: Body = {
        "name": resource.plural,
        "singularName": resource.singular or resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short:
        row["shortNames"] = list(resource.short)
    if resource.categories:
        row["categories"] = list(resource.categories)
    return [row, *(_part_row(resource, part) for part in resource.subresources)]


def _part_row(resource: Resource, part: str) -> Body:
    row: Body = {
        "name": f"{resource.plural}/{part}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(_VERBS.get(part, _PART_VERBS)),
    }
    if part in _KINDS:
        row["group"], row["version"], row["kind"] = _KINDS[part]
    return row


def _aggregated(catalogue: Catalogue, *, core: bool, form: str) -> Body:
    items = [
        {
            "metadata": {"name": name, "creationTimestamp": None} if name else {"creationTimestamp": None},
            "versions": [
                {
                    "version": version,
                    "resources": [_seen(resource, version) for resource in _of(catalogue, name, version)],
                    "freshness": "Current",
                }
                for version in versions
            ],
        }
        for name, versions in catalogue.groups().items()
        if (name == "") is core
    ]
    kind = "APIGroupDiscoveryList"
    return {"kind": kind, "apiVersion": f"apidiscovery.k8s.io/{form}", "metadata": {}, "items": items}


def _seen(resource: Resource, version: str) -> Body:
    row: Body = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular or resource.kind.lower(),
        "verbs": list(resource.verbs),
    }
    if resource.short:
        row["shortNames"] = list(resource.short)
    if resource.categories:
        row["categories"] = list(resource.categories)
    parts = [_seen_part(resource, version, part) for part in resource.subresources]
    return {**row, "subresources": parts} if parts else row


def _seen_part(resource: Resource, version: str, part: str) -> Body:
    group, of, kind = _KINDS.get(part, (resource.group, version, resource.kind))
    return {
        "subresource": part,
        "responseKind": {"group": group, "version": of, "kind": kind},
        "verbs": list(_VERBS.get(part, _PART_VERBS)),
    }
