"""OpenAPI documents: as much as clients look up before they write, made from the catalogue.

Each kind is there by name with its paths, the content types of its patches and the options they take; what is inside of
an object is left open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from libs.sandbox.api import patching
from libs.sandbox.resource import Catalogue, Resource

Body = dict[str, Any]
_INFO: Final = {"title": "Orrery sandbox", "version": "v1.33.0"}
_OPTIONS: Final = ("dryRun", "fieldManager", "fieldValidation")
_ACTIONS: Final = {
    "get": ("get", "get"),
    "list": ("get", "list"),
    "create": ("post", "post"),
    "update": ("put", "put"),
    "patch": ("patch", "patch"),
    "delete": ("delete", "delete"),
    "deletecollection": ("delete", "deletecollection"),
}
"""Verb -> method, and Kubernetes' name of the action."""
_ON_MANY: Final = ("list", "create", "deletecollection")


def index(catalogue: Catalogue) -> Body:
    """Which documents there are, and where."""
    found = {}
    for group, versions in catalogue.groups().items():
        for version in versions:
            name = f"apis/{group}/{version}" if group else f"api/{version}"
            mark = hashlib.sha256(f"{name} {catalogue.changed}".encode()).hexdigest()[:32].upper()
            found[name] = {"serverRelativeURL": f"/openapi/v3/{name}?hash={mark}"}
    return {"paths": found}


def document(catalogue: Catalogue, name: str) -> Body | None:
    """The document of `api/v1` or `apis/<group>/<version>`, None where there is none."""
    *head, version = name.split("/")
    group = head[1] if head[:1] == ["apis"] and len(head) > 1 else ""
    if head not in (["api"], ["apis", group]):
        return None
    found = [resource for resource in catalogue if resource.group == group and version in resource.versions]
    if not found:
        return None
    schemas: Body = {}
    paths: Body = {}
    for resource in found:
        schemas[_schema(resource, version)] = _described(resource, version)
        if resource.stored:
            paths.update(_paths(resource, version, f"/{name}"))
    return {"openapi": "3.0.0", "info": _INFO, "paths": paths, "components": {"schemas": schemas}}


def old(catalogue: Catalogue) -> Body:
    """Swagger 2.0 of all kinds: their names alone."""
    definitions = {
        _schema(resource, version): _described(resource, version)
        for resource in catalogue
        for version in resource.versions
    }
    return {"swagger": "2.0", "info": _INFO, "paths": {}, "definitions": definitions}


def _schema(resource: Resource, version: str) -> str:
    """As Kubernetes calls them: `io.k8s.api.apps.v1.Deployment`, or the group's name backwards."""
    if resource.custom:
        return ".".join((*reversed(resource.group.split(".")), version, resource.kind))
    return f"io.k8s.api.{resource.group.split('.')[0] or 'core'}.{version}.{resource.kind}"


def _described(resource: Resource, version: str) -> Body:
    text = {"type": "string"}
    return {
        "type": "object",
        "properties": {"apiVersion": text, "kind": text, "metadata": {"type": "object"}},
        "x-kubernetes-group-version-kind": [_names(resource, version)],
        "x-kubernetes-preserve-unknown-fields": True,
    }


def _names(resource: Resource, version: str) -> Body:
    return {"group": resource.group, "version": version, "kind": resource.kind}


def _paths(resource: Resource, version: str, root: str) -> Body:
    space = "/namespaces/{namespace}" if resource.namespaced else ""
    many = f"{root}{space}/{resource.plural}"
    one = f"{many}/{{name}}"
    verbs = [verb for verb in resource.verbs if verb in _ACTIONS]
    paths = {
        many: _item(resource, version, (verb for verb in verbs if verb in _ON_MANY), many),
        one: _item(resource, version, (verb for verb in verbs if verb not in _ON_MANY), one),
    }
    if "status" in resource.subresources:
        paths[f"{one}/status"] = _item(resource, version, ("get", "update", "patch"), one)
    return paths


def _item(resource: Resource, version: str, verbs: Iterable[str], path: str) -> Body:
    item: Body = {
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in ("namespace", "name")
            if f"{{{name}}}" in path
        ]
    }
    for verb in verbs:
        method, action = _ACTIONS[verb]
        item[method] = _operation(resource, version, verb, action)
    return item


def _operation(resource: Resource, version: str, verb: str, action: str) -> Body:
    operation: Body = {
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _names(resource, version),
        "responses": {"200": {"description": "OK", "content": _content(resource, version, ("application/json",))}},
    }
    if verb in ("create", "update", "patch"):
        names = (*_OPTIONS, "force") if verb == "patch" else _OPTIONS
        operation["parameters"] = [_option(name) for name in names]
        media = patching.taken(custom=resource.custom) if verb == "patch" else ("application/json",)
        operation["requestBody"] = {"content": _content(resource, version, media), "required": True}
    return operation


def _option(name: str) -> Body:
    return {"name": name, "in": "query", "schema": {"type": "boolean" if name == "force" else "string"}}


def _content(resource: Resource, version: str, media: tuple[str, ...]) -> Body:
    schema = {"$ref": f"#/components/schemas/{_schema(resource, version)}"}
    return {name: {"schema": schema} for name in media}
