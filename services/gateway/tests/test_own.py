"""The gateway's own routes: switches, versions, sign-in, discovery, OpenAPI, parked messages, reviews."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from libs.shared.errors import Denied, Fault, Invalid, Missing
from libs.shared.http.identity import GATEWAY, HEADER, Identity, Signed
from services.gateway.domain.route import Entry, Table
from services.gateway.rest.config import switches
from services.gateway.tests.conftest import Stage
from services.gateway.tests.standin import IAM

CONFIG = "/kapis/config.kubesphere.io/v1alpha2/configs"
REVIEWS = "/internal/gateway/v1/reviews"
SIGHTS = "/internal/gateway/v1/sights"
ROOT = Path(__file__).parents[3]
KEYS = {
    "alerting",
    "auditing",
    "authentication",
    "authorization",
    "cache",
    "devops",
    "edgeruntime",
    "events",
    "gateway",
    "gpu",
    "kubeedge",
    "kubernetes",
    "logging",
    "metering",
    "monitoring",
    "multicluster",
    "network",
    "network.ippool",
    "network.topology",
    "notification",
    "openpitrix",
    "openpitrix.appstore",
    "s3",
    "servicemesh",
    "sonarqube",
    "terminal",
}


async def test_switches_tell_what_is_served(stage: Stage) -> None:
    """All keys that consoles know, to everybody, and on only for what a service has a path of."""
    code, body = await stage.ask("", "GET", CONFIG + "/configz")
    assert code == 200
    assert set(body) == KEYS
    assert {key for key, on in body.items() if on} == {"authentication", "authorization", "cache", "terminal"}
    served = Table([Entry("x", "GET", "/kapis/devops.kubesphere.io/v1alpha3/ci", "decided")])
    assert switches(served)["devops"]


async def test_consoles_find_what_they_start_with(stage: Stage) -> None:
    """Sign-in without a secret in nanoseconds, `null` for GPUs, a version that is 3.3 or newer, metrics, health."""
    code, body = await stage.ask("", "GET", CONFIG + "/oauth")
    assert (code, body["clients"]) == (200, [{"name": "kubesphere", "redirectURIs": ["*"]}])
    assert body["accessTokenMaxAge"] == 7_200_000_000_000
    assert "secret" not in json.dumps(body).lower()
    assert await stage.ask("", "GET", CONFIG + "/gpu/kinds") == (200, None)
    _, body = await stage.ask("", "GET", "/kapis/version")
    assert tuple(map(int, body["gitVersion"].removeprefix("v").split(".")[:2])) >= (3, 3)
    _, text = await stage.ask("", "GET", "/kapis/metrics")
    assert "orrery_gateway_decisions_total" in text
    assert await stage.ask("", "GET", "/healthz") == (200, "ok")


async def test_discovery_is_merged(stage: Stage) -> None:
    """`/apis` is for everybody signed in, plain or aggregated, and there without a cluster; `/api` is the cluster's."""
    code, body = await stage.ask("admin", "GET", "/apis")
    assert (code, body["kind"], body["groups"]) == (200, "APIGroupList", [])
    wanted = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"}
    assert (await stage.ask("admin", "GET", "/apis", headers=wanted))[1]["kind"] == "APIGroupDiscoveryList"
    assert [(await stage.ask(who, "GET", "/apis"))[0] for who in ("out", "")] == [200, 403]
    assert [(await stage.ask(who, "GET", "/api"))[0] for who in ("out", "")] == [503, 403]


async def test_openapi_is_merged(stage: Stage) -> None:
    """One document describes the routes of all services, and none that is internal."""
    code, body = await stage.ask("out", "GET", "/kapis/orrery.io/v1/openapi")
    assert (code, body["openapi"]) == (200, "3.1.0")
    assert {IAM + "/users", "/kapis/version"} <= set(body["paths"])
    assert not [path for path in body["paths"] if path.startswith("/internal")]
    assert (await stage.ask("", "GET", "/kapis/orrery.io/v1/openapi"))[0] == 403


async def test_parked_messages_are_gathered_for_administrators(stage: Stage) -> None:
    """Of every service, with those that could not be asked; a member sees none of it."""
    code, body = await stage.ask("admin", "GET", "/kapis/orrery.io/v1/parked")
    assert (code, body) == (200, {"items": [], "totalItems": 0, "unreachable": ["absent"]})
    assert (await stage.ask("adm", "GET", "/kapis/orrery.io/v1/parked"))[0] == 403
    code, body = await stage.ask("admin", "POST", "/kapis/orrery.io/v1/parked/nowhere/x/release")
    assert (code, body["slug"]) == (404, "service-missing")
    assert (await stage.ask("admin", "POST", "/kapis/orrery.io/v1/parked/accounts/x/release"))[0] == 404
    assert (await stage.ask("admin", "DELETE", "/kapis/orrery.io/v1/parked/accounts/x"))[0] == 404


@pytest.mark.parametrize("query", ["limit=-5", "limit=x", "limit=0", "limit=501", "limit=", "page=2", "limit=5&x=1"])
async def test_parked_messages_are_not_listed_for_a_query_that_says_nothing(stage: Stage, query: str) -> None:
    """A limit out of bounds and an unknown parameter are refused, in a sentence that says what is accepted."""
    code, body = await stage.ask("admin", "GET", f"/kapis/orrery.io/v1/parked?{query}")
    assert (code, body["slug"]) == (400, "parameter" if "=2" in query or "x=1" in query else "limit")
    assert "limit" in body["detail"]
    assert (await stage.ask("admin", "GET", "/kapis/orrery.io/v1/parked?limit=1"))[0] == 200


def signed(stage: Stage, user: str) -> str:
    """A caller's identity as a service has received it, for some request of his."""
    signer = stage.suite.services["gateway"].host.signer
    assert signer is not None
    identity = Identity(user, ("system:authenticated",), stage.parts.clock())
    return signer.sign(Signed("accounts", "GET", "/x"), identity)


async def review(stage: Stage, user: str, body: Any) -> tuple[int, Any]:
    """Ask as a service does, passing its caller's identity back."""
    headers = {HEADER: signed(stage, user), "Content-Type": "application/json"}
    async with stage.suite.upstreams.request(
        "gateway", "POST", REVIEWS, data=json.dumps(body).encode(), headers=headers
    ) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_reviews_answer_about_the_caller(stage: Stage) -> None:
    """May, mine and holds, each in the order of the questions, about whoever the identity names."""
    asked = {
        "may": [
            {"verb": "list", "group": "iam.kubesphere.io", "resource": "workspaceroles", "scope": "Workspace"}
            | {"workspace": name}
            for name in ("a", "b")
        ],
        "mine": [{"of": "workspaces"}],
        "holds": [
            {"workspace": name, "rules": [{"verbs": ["get"], "apiGroups": ["*"], "resources": ["*"]}]}
            for name in ("a", "b")
        ],
    }
    assert await review(stage, "adm", asked) == (
        200,
        {"may": [True, False], "mine": [["a"]], "where": [], "holds": [True, False]},
    )
    told = (await review(stage, "out", asked))[1]
    assert told == {"may": [False, False], "mine": [[]], "where": [], "holds": [False, False]}


@pytest.mark.parametrize(
    "body",
    [
        {"may": [{"verb": "get"}]},
        {"may": [{"verb": "get", "resource": "x", "scope": "Galaxy"}]},
        {"mine": [{"of": "clusters"}]},
        {"surprise": []},
        {"holds": [{"rules": [{"verbs": 1}]}]},
        [],
    ],
)
async def test_reviews_refuse_what_cannot_be_read(stage: Stage, body: Any) -> None:
    """Unknown fields, scopes and shapes are a client's error that names them."""
    code, answer = await review(stage, "adm", body)
    assert code in (400, 422)
    assert answer["detail"]


async def test_reviews_are_closed_while_the_index_is_stale(stage: Stage) -> None:
    """A service is told to try again, never an old answer."""
    stage.parts.memory.sources.begin("accounts", stage.parts.clock.monotonic())
    assert (await review(stage, "adm", {}))[0] == 503


@pytest.mark.parametrize(
    ("path", "fault"), [("/internal/nothing", Missing), (REVIEWS, Invalid), ("/kapis/version", Denied)]
)
async def test_a_services_refusal_is_the_fault_that_it_is(stage: Stage, path: str, fault: type[Fault]) -> None:
    """What a service answers to the gateway's own question is raised by its kind; a success is no fault."""
    services = stage.parts.behind.services
    if fault is Denied:
        assert (await services.ask("gateway", "GET", path))["gitMajor"] == "3"
        return
    with pytest.raises(fault):
        await services.ask("gateway", "POST", path, {"surprise": 1})


def test_the_committed_table_is_fresh() -> None:
    """No route is written down twice: `python -m hack.routes` made the table from what the services declare now."""
    done = subprocess.run(  # our own script
        [sys.executable, "-m", "hack.routes", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_literal_goes_before_a_parameter_and_a_parameter_before_a_tail() -> None:
    """The narrowest route of a path and method is found, with its parameters."""
    rows = [
        Entry("a", "GET", "/x/{name}", "decided"),
        Entry("b", "GET", "/x/me", "public"),
        Entry("c", "GET", "/x/{tail:.*}", "decided"),
        Entry("d", "POST", "/x/me/y", "decided"),
    ]
    table = Table(rows)

    def found(method: str, *segments: str) -> tuple[str, dict[str, str]] | None:
        match = table.find(method, segments)
        return None if match is None else (match.entry.service, dict(match.parameters))

    assert found("GET", "x", "me") == ("b", {})
    assert found("HEAD", "x", "me") is None
    assert found("GET", "x", "bob") == ("a", {"name": "bob"})
    assert found("GET", "x", "bob", "z") == ("c", {"tail": "bob/z"})
    assert found("GET", "x", "me", "y") == ("c", {"tail": "me/y"})
    assert found("POST", "x", "me", "y") == ("d", {})
    assert found("DELETE", "x", "me") is None
    assert found("GET", "y") is None
    assert table.methods(("x", "me", "y")) == {"GET", "POST"}


async def sight(stage: Stage, asker: str, body: Any) -> tuple[int, Any]:
    """Ask about somebody who isn't here, as this user or as the gateway itself would be seen to."""
    signer = stage.suite.services["gateway"].host.signer
    assert signer is not None
    raw = json.dumps(body).encode()
    signed_for = Signed("gateway", "POST", SIGHTS, hashlib.sha256(raw).hexdigest())
    header = signer.sign(signed_for, Identity(asker, (), stage.parts.clock()))
    headers = {HEADER: header, "Content-Type": "application/json"}
    async with stage.suite.upstreams.request("gateway", "POST", SIGHTS, data=raw, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_sights_are_those_of_the_absent(stage: Stage) -> None:
    """What a service is told of a user is what the user would be; nobody is told anything of one who isn't there."""
    asked = {
        "may": [{"verb": "delete", "resource": "users", "group": "iam.kubesphere.io"}],
        "mine": [{"of": "workspaces"}],
    }
    assert await sight(stage, GATEWAY, {"user": "adm", **asked}) == (
        200,
        {"may": [False], "mine": [["a"]], "where": [], "holds": []},
    )
    assert (await sight(stage, GATEWAY, {"user": "admin", **asked}))[1]["may"] == [True]
    assert (await sight(stage, GATEWAY, {"user": "nobody", **asked}))[0] == 404
    stage.parts.memory.index.set_state("adm", "Disabled")
    code, told = await sight(stage, GATEWAY, {"user": "adm", **asked})
    assert (code, told["slug"]) == (404, "no-user")


@pytest.mark.parametrize("asker", ["admin", "adm", "system:anonymous"])
async def test_users_never_ask_for_sights(stage: Stage, asker: str) -> None:
    """Neither an administrator nor anybody else: it is for services, and no client's path leads there."""
    assert (await sight(stage, asker, {"user": "adm"}))[0] == 403


@pytest.mark.parametrize(
    "body", [{}, {"user": 1}, {"user": "adm", "holds": []}, {"user": "adm", "mine": [{"of": "x"}]}]
)
async def test_sights_refuse_what_cannot_be_read(stage: Stage, body: Any) -> None:
    """A service's mistake is named."""
    assert (await sight(stage, GATEWAY, body))[0] in (400, 422)
