"""What consoles ask before anything else: switches, sign-in, versions, metrics (iam-gateway 9.6)."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from libs.shared.http.route import Access, Dialect, Route
from services.gateway.domain.route import Table
from services.gateway.parts import Parts
from services.gateway.shapes import SignInShape, SwitchesShape, VersionShape

CONFIG = "/kapis/config.kubesphere.io/v1alpha2/configs"
NANOSECONDS = 1_000_000_000
VERSION = "v3.4.1"
"""The release of KubeSphere whose API this is: consoles choose paths by it."""
SWITCHES: Mapping[str, tuple[str, ...]] = {
    "alerting": ("/kapis/alerting.kubesphere.io/",),
    "auditing": ("/kapis/tenant.kubesphere.io/v1alpha2/auditing",),
    "devops": ("/kapis/devops.kubesphere.io/",),
    "edgeruntime": ("/kapis/edgeruntime.kubesphere.io/",),
    "events": ("/kapis/tenant.kubesphere.io/v1alpha2/events",),
    "gateway": ("/kapis/gateway.kubesphere.io/",),
    "kubeedge": ("/kapis/kubeedge.kubesphere.io/",),
    "kubernetes": ("/kapis/resources.kubesphere.io/",),
    "logging": ("/kapis/tenant.kubesphere.io/v1alpha2/logs",),
    "metering": ("/kapis/metering.kubesphere.io/",),
    "monitoring": ("/kapis/monitoring.kubesphere.io/",),
    "multicluster": ("/kapis/cluster.kubesphere.io/",),
    "network": ("/kapis/network.kubesphere.io/",),
    "network.ippool": ("/apis/network.kubesphere.io/v1alpha1/ippools",),
    "network.topology": ("/kapis/network.kubesphere.io/v1alpha2/namespaces/{namespace}/topology",),
    "notification": ("/kapis/notification.kubesphere.io/",),
    "openpitrix": ("/kapis/openpitrix.io/",),
    "openpitrix.appstore": ("/kapis/openpitrix.io/v1/categories",),
    "s3": ("/kapis/openpitrix.io/v1/attachments",),
    "servicemesh": ("/kapis/servicemesh.kubesphere.io/",),
    "sonarqube": ("/kapis/devops.kubesphere.io/v1alpha3/devops/{devops}/pipelines/{pipeline}/sonarstatus",),
    "terminal": ("/kapis/terminal.kubesphere.io/",),
}
"""What a switch stands for: it is on when a service serves a path that begins so."""
ALWAYS = ("authentication", "authorization", "cache")
NEVER = ("gpu",)


def switches(table: Table) -> dict[str, bool]:
    """Every switch that consoles know, on only for what is really served."""
    paths = [entry.path for entry in table.entries]
    found = {name: any(path.startswith(prefixes) for path in paths) for name, prefixes in SWITCHES.items()}
    return dict(sorted({**found, **dict.fromkeys(ALWAYS, True), **dict.fromkeys(NEVER, False)}.items()))


async def get_switches(_request: web.Request, parts: Parts) -> web.Response:
    """Which modules are there: a flat map, which consoles show or hide menus by."""
    return web.json_response(switches(parts.behind.table))


async def get_sign_in(_request: web.Request, parts: Parts) -> web.Response:
    """How one signs in: the OAuth client without its secret, and the life of tokens in nanoseconds."""
    settings = parts.settings
    return web.json_response(
        {
            "issuer": settings.issuer,
            "clients": [{"name": settings.client_id, "redirectURIs": ["*"]}],
            "accessTokenMaxAge": settings.access_seconds * NANOSECONDS,
            "accessTokenInactivityTimeout": settings.idle_seconds * NANOSECONDS,
        }
    )


async def get_gpu_kinds(_request: web.Request, _parts: Parts) -> web.Response:
    """Kinds of GPU that quotas may name: none are configured, which is `null` on the wire."""
    return web.json_response(None)


async def get_version(_request: web.Request, _parts: Parts) -> web.Response:
    """The API's version as KubeSphere numbers it, and what runs it."""
    major, minor, _ = VERSION.removeprefix("v").split(".")
    return web.json_response(
        {
            "gitVersion": VERSION,
            "gitMajor": major,
            "gitMinor": minor,
            "gitCommit": "",
            "gitTreeState": "clean",
            "buildDate": "",
            "goVersion": "",
            "compiler": platform.python_implementation().lower(),
            "platform": f"{platform.system().lower()}/{platform.machine()}",
            "kubernetes": None,
        }
    )


async def get_metrics(_request: web.Request, parts: Parts) -> web.Response:
    """The gateway's metrics in Prometheus' text."""
    response = web.Response(body=generate_latest(parts.journal.registry))
    response.headers["Content-Type"] = CONTENT_TYPE_LATEST
    return response


TAGS = ("config",)
ROUTES = (
    Route("GET", CONFIG + "/configz", get_switches, access=Access.PUBLIC, answer=SwitchesShape, tags=TAGS),
    Route("GET", CONFIG + "/oauth", get_sign_in, access=Access.PUBLIC, answer=SignInShape, tags=TAGS),
    Route("GET", CONFIG + "/gpu/kinds", get_gpu_kinds, access=Access.PUBLIC, tags=TAGS),
    Route(
        "GET",
        "/kapis/version",
        get_version,
        access=Access.PUBLIC,
        answer=VersionShape,
        dialect=Dialect.KUBESPHERE,
        tags=TAGS,
    ),
    Route(
        "GET",
        "/kapis/metrics",
        get_metrics,
        access=Access.PUBLIC,
        dialect=Dialect.KUBESPHERE,
        tags=TAGS,
        media="text/plain",
    ),
)
