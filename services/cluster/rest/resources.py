"""`/kapis/resources.kubesphere.io/v1alpha3`: lists of a cluster's objects (iam-gateway 9.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from libs.shared.errors import Missing
from libs.shared.http.listing import PARAMETERS, Filter, last, listed
from libs.shared.http.route import Route
from libs.shared.http.schemas import Listed
from libs.shared.objects.shapes import ObjectShape
from services.cluster.domain import resource
from services.cluster.domain.resource import (
    CLAIMS,
    CLUSTER_ROLES,
    NODES,
    PODS,
    RESOURCES,
    ROLES,
    SERVICES,
    SNAPSHOT_CLASSES,
    STORAGE_CLASSES,
    JsonObject,
    Resource,
)
from services.cluster.parts import Parts
from services.cluster.queries import objects as queries
from services.cluster.rest.showing import paged, shown
from services.cluster.shapes import enriched, filters
from services.cluster.shapes.counts import backends
from services.cluster.shapes.roles import AGGREGATE_TO, aggregated

V = "/kapis/resources.kubesphere.io/v1alpha3"
RESERVED = frozenset({"page", "limit", "sortBy", "ascending", "labelSelector"})


async def list_resources(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Objects of one kind, in a namespace or in the whole cluster: filtered, sorted, a page of them."""
    wanted, namespace = resource_of(request), request.match_info.get("namespace", "")
    found = await queries.objects(parts.shelf, parts.kube, wanted, namespace)
    query = last(request.query.items())
    if wanted.legacy:
        answer = await paged(partial(_older, wanted), found, query)
    else:
        extra = {**filters.FILTERS.get(wanted.plural, {}), **await _bound(wanted, namespace, query, parts)}
        answer = await paged(listed, found, query, filters=extra, sorts=filters.SORTS.get(wanted.plural))
    answer["items"] = await enrich(wanted, answer["items"], parts)
    return await shown(answer)


async def get_resource(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One object. One that is not there is an internal error in the original, and here (iam-gateway 9.1)."""
    wanted, namespace = resource_of(request), request.match_info.get("namespace", "")
    if bool(namespace) != wanted.namespaced:
        raise wanted.unknown(request.match_info["name"])
    found = await queries.one(parts.shelf, parts.kube, wanted, namespace, request.match_info["name"])
    return await shown((await enrich(wanted, [found], parts))[0])


def resource_of(request: web.Request) -> Resource:
    """The kind that the path names; raises `Missing` for one that isn't served. Nor is one of the whole cluster in a
    namespace: who asks was let in by what he may do there.
    """
    found = RESOURCES.get(request.match_info["resources"])
    if found is None or not found.listed or ("namespace" in request.match_info and not found.namespaced):
        raise Missing("resource-unsupported", "resource is not supported")
    return found


async def enrich(wanted: Resource, items: Sequence[JsonObject], parts: Parts) -> list[JsonObject]:
    """The objects of a page, with what is worked out from others."""
    if wanted is NODES and items:
        pods = await queries.objects(parts.shelf, parts.kube, PODS)
        return [enriched.node(one, pods) for one in items]
    if wanted is CLAIMS and items:
        used = enriched.claims_in_use(await queries.objects(parts.shelf, parts.kube, PODS))
        drivers = enriched.drivers(await queries.objects(parts.shelf, parts.kube, SNAPSHOT_CLASSES))
        return [enriched.claim(one, used, drivers) for one in items]
    if wanted is STORAGE_CLASSES and items:
        counts = enriched.claims_by_class(await queries.objects(parts.shelf, parts.kube, CLAIMS))
        return [enriched.storage_class(one, counts) for one in items]
    return list(items)


async def _bound(wanted: Resource, namespace: str, query: Mapping[str, str], parts: Parts) -> dict[str, Filter]:
    """Filters that look at other objects than the one that they judge."""
    if wanted is PODS and "serviceName" in query:
        service = await queries.look(parts.shelf, parts.kube, SERVICES, namespace, query["serviceName"]) or {}
        return {"serviceName": lambda pod, _value: bool(backends(service, (pod,)))}
    if AGGREGATE_TO in query and wanted in (ROLES, CLUSTER_ROLES):
        whole = await queries.look(parts.shelf, parts.kube, wanted, namespace, query[AGGREGATE_TO]) or {}
        names = aggregated(whole)
        return {AGGREGATE_TO: lambda role, _value: resource.name(role) in names}
    return {}


def _older(wanted: Resource, found: Sequence[JsonObject], query: Mapping[str, str]) -> dict[str, Any]:
    """The kinds that the older API serves here too: by name from Z unless told otherwise, unknown keys are labels, and
    labelSelector is not looked at.
    """
    known = filters.FILTERS.get(wanted.plural, {})
    plain = {"names", "alias", "uid", "namespace", "ownerReference", "ownerKind", "label", "annotation", *RESERVED}
    labels = [(key, value) for key, value in query.items() if key not in plain and key not in known and key != "name"]
    kept = [
        one
        for one in found
        if all(filters.matches_label(one, key, value) for key, value in labels)
        and ("name" not in query or filters.names_or_aliases(one, query["name"]))
    ]
    asked = {key: value for key, value in query.items() if key in plain - {"labelSelector"} or key in known}
    return listed(kept, {"sortBy": "name", **asked}, filters=known)


TAGS = ("resources",)
ROUTES = (
    Route(
        "GET",
        V + "/namespaces/{namespace}/{resources}",
        list_resources,
        tags=TAGS,
        answer=Listed[ObjectShape],
        parameters=PARAMETERS,
    ),
    Route("GET", V + "/namespaces/{namespace}/{resources}/{name}", get_resource, tags=TAGS, answer=ObjectShape),
    Route("GET", V + "/{resources}", list_resources, tags=TAGS, answer=Listed[ObjectShape], parameters=PARAMETERS),
    Route("GET", V + "/{resources}/{name}", get_resource, tags=TAGS, answer=ObjectShape),
)
