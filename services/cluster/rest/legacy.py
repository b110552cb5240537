"""`/kapis/resources.kubesphere.io/v1alpha2`: what the console still asks of the older API (iam-gateway 9.2)."""

from __future__ import annotations

from aiohttp import web

from libs.shared.errors import Broken
from libs.shared.http.listing import last, listed_legacy
from libs.shared.http.route import Dialect, Route
from libs.shared.objects.shapes import ObjectShape
from services.cluster.domain import resource
from services.cluster.domain.resource import (
    CLAIMS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NODES,
    PODS,
    REPLICA_SETS,
    RESOURCES,
    SERVICES,
    STATEFUL_SETS,
    JsonObject,
    Resource,
)
from services.cluster.parts import Parts
from services.cluster.queries import objects as queries
from services.cluster.rest.resources import enrich
from services.cluster.rest.showing import paged, shown
from services.cluster.shapes import counts, filters

V = "/kapis/resources.kubesphere.io/v1alpha2"
V3 = "/kapis/resources.kubesphere.io/v1alpha3"
QUOTAS = Resource("resourcequotas", "ResourceQuota", kept=False)
REVISION = "deployment.kubernetes.io/revision"
SERVED = frozenset(
    {
        *(
            "configmaps",
            "cronjobs",
            "daemonsets",
            "deployments",
            "ingresses",
            "jobs",
            "persistentvolumeclaims",
            "secrets",
        ),
        *("services", "statefulsets", "pods", "roles", "nodes", "namespaces", "clusterroles", "storageclasses"),
        "horizontalpodautoscalers",
    }
)


async def list_objects(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Objects of one kind with the older parameters: conditions, paging, orderBy, reverse."""
    wanted, namespace = RESOURCES.get(request.match_info["resources"]), request.match_info.get("namespace", "")
    if wanted is None or wanted.plural not in SERVED or (namespace and not wanted.namespaced):
        text = "resource is not supported"
        raise Broken("resource-unsupported", text, public=text)
    found = await queries.objects(parts.shelf, parts.kube, wanted, namespace)
    known = filters.FILTERS.get(wanted.plural)
    query, sorts = last(request.query.items()), filters.SORTS.get(wanted.plural)
    answer = await paged(listed_legacy, found, query, filters=known, sorts=sorts)
    answer["items"] = await enrich(wanted, answer["items"], parts)
    return await shown(answer)


async def get_quotas(request: web.Request, parts: Parts) -> web.StreamResponse:
    """What a namespace may use, what it uses, and what is left."""
    namespace = request.match_info["namespace"]
    numbers = {
        plural: await queries.count(parts.shelf, parts.kube, RESOURCES[plural], namespace)
        for plural in counts.COUNTED.values()
    }
    found = await queries.objects(parts.shelf, parts.kube, QUOTAS, namespace)
    return web.json_response(counts.quotas(namespace, numbers, found))


async def get_abnormal(request: web.Request, parts: Parts) -> web.StreamResponse:
    """How many workloads are not well, in a namespace or in the whole cluster."""
    namespace = request.match_info.get("namespace", "")
    found = {
        wanted.plural: await queries.objects(parts.shelf, parts.kube, wanted, namespace)
        for wanted in (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, JOBS, CLAIMS)
    }
    return web.json_response(counts.abnormal(namespace, found))


async def list_components(_request: web.Request, parts: Parts) -> web.StreamResponse:
    """Services of the system's namespaces, and how many of their pods are well."""
    return web.json_response(await _components(parts))


async def get_health(_request: web.Request, parts: Parts) -> web.StreamResponse:
    """The same with how many nodes are ready."""
    nodes = counts.nodes(await queries.objects(parts.shelf, parts.kube, NODES))
    return web.json_response({"kubesphereStatus": await _components(parts), "nodeStatus": nodes})


async def get_revision(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The ReplicaSet of a Deployment's revision."""
    namespace, name, revision = (request.match_info[key] for key in ("namespace", "deployment", "revision"))
    for found in await queries.objects(parts.shelf, parts.kube, REPLICA_SETS, namespace):
        if _owned(found, name) and resource.notes(found).get(REVISION) == revision:
            return await shown(found)
    text = f"revision not found {name}#{revision}"
    raise Broken("revision-missing", text, public=text)


async def _components(parts: Parts) -> list[dict[str, object]]:
    services = await queries.objects(parts.shelf, parts.kube, SERVICES)
    return counts.components(services, await queries.objects(parts.shelf, parts.kube, PODS))


def _owned(found: JsonObject, deployment: str) -> bool:
    owners = resource.metadata(found).get("ownerReferences") or ()
    return any(one.get("kind") == DEPLOYMENTS.kind and one.get("name") == deployment for one in owners)


TAGS = ("resources",)
PARAMETERS = (
    ("conditions", "filters, `key=value` exactly or `key~value` in part, separated by commas"),
    ("paging", "`limit=10,page=1`"),
    ("orderBy", "name or createTime (the default)"),
    ("reverse", "true: the largest or newest first"),
)
ROUTES = (
    Route("GET", V + "/componenthealth", get_health, tags=TAGS),
    Route("GET", V3 + "/componenthealth", get_health, tags=TAGS),
    Route("GET", V + "/components", list_components, tags=TAGS),
    Route("GET", V3 + "/components", list_components, tags=TAGS),
    Route("GET", V + "/abnormalworkloads", get_abnormal, tags=TAGS),
    Route("GET", V + "/namespaces/{namespace}/abnormalworkloads", get_abnormal, tags=TAGS),
    Route("GET", V + "/namespaces/{namespace}/quotas", get_quotas, tags=TAGS),
    Route(
        "GET",
        V + "/namespaces/{namespace}/deployments/{deployment}/revisions/{revision}",
        get_revision,
        dialect=Dialect.MESSAGE,
        tags=TAGS,
        answer=ObjectShape,
    ),
    Route("GET", V + "/namespaces/{namespace}/{resources}", list_objects, tags=TAGS, parameters=PARAMETERS),
    Route("GET", V + "/{resources}", list_objects, tags=TAGS, parameters=PARAMETERS),
)
