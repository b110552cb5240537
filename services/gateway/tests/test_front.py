"""The front: who is let in, in which words others are refused, and what reaches a service."""

from __future__ import annotations

import pytest
from yarl import URL

from libs.shared.config.reader import read
from libs.shared.errors import Invalid
from services.gateway.settings import GatewaySettings
from services.gateway.tests.conftest import Stage, staged
from services.gateway.tests.standin import IAM

MEMBERS = IAM + "/workspaces/a/workspacemembers"


async def test_forwards_what_is_decided(stage: Stage) -> None:
    """A permitted request reaches its service under the caller's name, with the route's answers; his token does not."""
    code, body = await stage.ask("view", "GET", MEMBERS + "?limit=10&sortBy=name")
    assert code == 200
    assert (body["user"], body["groups"], body["session"]) == ("view", ["system:authenticated"], "s-view")
    assert body["answers"] == {"manages": False, "roles": True, "mine": ["a"]}
    assert body["target"] == MEMBERS + "?limit=10&sortBy=name"
    assert "authorization" not in body["headers"]


async def test_refuses_an_outsider_in_kubernetes_words(stage: Stage) -> None:
    """A 403 is the recorded Status, on a `/kapis` path too."""
    code, body = await stage.ask("out", "GET", MEMBERS)
    assert code == 403
    assert body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'workspacemembers.iam.kubesphere.io is forbidden: User "out" cannot list resource'
        ' "workspacemembers" in API group "iam.kubesphere.io" at the cluster scope',
        "reason": "Forbidden",
        "details": {"group": "iam.kubesphere.io", "kind": "workspacemembers"},
        "code": 403,
    }


async def test_nobody_may_not_ask_for_the_version(stage: Stage) -> None:
    """A non-resource refusal has empty details. Whoever is signed in may; here no cluster answers."""
    code, body = await stage.ask("", "GET", "/version")
    assert (code, body["details"]) == (403, {})
    assert body["message"] == 'forbidden: User "system:anonymous" cannot GET path "/version"'
    assert (await stage.ask("out", "GET", "/version"))[0] == 503


CLAIMING = {
    "Impersonate-User": "admin",
    "Impersonate-Group": "system:masters",
    "X-Remote-User": "admin",
    "Orrery-Identity": "forged",
    "Orrery_Identity": "forged",
    "Orrery-Told": "x",
    "X-Forwarded-For": "10.9.9.9",
    "X-Real-IP": "10.9.9.9",
    "x-client-ip": "10.9.9.9",
    "Forwarded": "for=10.9.9.9",
    "X-KubeSphere-Authorization": "Bearer x",
    "X-HTTP-Method-Override": "DELETE",
    "Connection": "X-Private",
    "X-Private": "1",
    "X-Kept": "yes",
}


async def test_no_header_claims_who_is_calling(stage: Stage) -> None:
    """Impersonation, addresses, forged identities and what the connection names end here; the rest goes on."""
    code, body = await stage.ask("reg", "GET", MEMBERS, headers=CLAIMING)
    assert (code, body["user"], body["ip"]) == (200, "reg", "127.0.0.1")
    assert body["headers"]["x-kept"] == "yes"
    assert not {name.lower() for name in CLAIMING} - {"connection", "x-kept", "orrery-identity"} & set(body["headers"])
    assert body["headers"]["orrery-identity"] != "forged"


async def test_an_answers_private_headers_end_here(stage: Stage) -> None:
    """What services tell the gateway, and the hops' own headers, do not reach clients."""
    async with stage.client.get(MEMBERS, headers=stage.headers("reg")) as answer:
        assert answer.headers["X-Kept"] == "1"
        assert not {"Orrery-Secret", "X-Hop", "Server"} & set(answer.headers)


async def test_a_declared_proxy_says_who_its_client_is() -> None:
    """The console's `x-client-ip` counts once the operator has declared the console's network."""
    async with staged(gateway_proxies="127.0.0.0/8") as stage:
        _, body = await stage.ask("reg", "GET", MEMBERS, headers={"x-client-ip": "203.0.113.9"})
        assert body["ip"] == "203.0.113.9"
        _, body = await stage.ask("reg", "GET", MEMBERS, headers={"X-Forwarded-For": "1.1.1.1, 203.0.113.8, 127.0.0.1"})
        assert body["ip"] == "203.0.113.8"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/oauth/../kapis/iam.kubesphere.io/v1alpha2/globalroles", 400),
        ("/oauth/%2e%2e/kapis/iam.kubesphere.io/v1alpha2/globalroles", 400),
        ("/oauth/..%2fkapis%2fiam.kubesphere.io/v1alpha2/users", 400),
        ("/kapis/config.kubesphere.io/%2e%2e/iam.kubesphere.io/v1alpha2/users", 400),
        ("//kapis/version", 400),
        ("/kapis//version", 400),
        ("/kapis/version%00", 400),
        ("/kapis/version%0A", 400),
        ("/kapis/a%0D%0Ab/c", 400),
        ("/%E2%80%A8", 400),
        ("/kapis/version;x=1", 400),
        ("/kapis/version\\..\\x", 400),
        ("/kapis/versi%C3%B6n", 403),
        ("/KAPIS/iam.kubesphere.io/v1alpha2/users", 403),
        ("/kapis/iam.kubesphere.io/v1alpha2/users?watch=true&watch=false", 400),
        ("/kapis/iam.kubesphere.io/v1alpha2/users?a=#b", 400),
        ("/internal/accounts/v1/index", 403),
        ("/%69nternal/accounts/v1/index", 403),
        ("/metrics", 403),
        ("/readyz", 403),
        ("/kapis/iam.kubesphere.io/v1alpha2/users?x=\u00e4", 400),
        ("http://other/kapis/version", 400),
    ],
)
async def test_paths_that_would_confuse_are_refused(stage: Stage, target: str, code: int) -> None:
    """No spelling of a path is decided as one thing and forwarded as another."""
    found, _ = await stage.raw(f"GET {target} HTTP/1.1\nHost: x\nConnection: close\n\n")
    assert found == code


async def test_even_the_administrator_reaches_nothing_internal(stage: Stage) -> None:
    """Internal routes are not in the table, so they are no route for anybody."""
    for path in ("/internal/accounts/v1/index", "/internal/gateway/v1/reviews", "/internal/kinds"):
        assert (await stage.ask("admin", "GET", path))[0] == 404
        assert (await stage.ask("admin", "POST", path))[0] == 404


async def test_the_canonical_form_is_what_is_forwarded(stage: Stage) -> None:
    """An escaped letter and a trailing slash are decided and forwarded as the plain path; the query as it came."""
    url = URL(stage.suite.gateway + "/kapis/iam.kubesphere.io/v1alpha2/%75sers/?x=%2F&y=a+b%zz", encoded=True)
    async with stage.client.get(url, headers=stage.headers("out")) as answer:
        assert (await answer.json())["target"] == IAM + "/users?x=%2F&y=a+b%zz"


@pytest.mark.parametrize(
    ("method", "path", "code", "text"),
    [
        ("GET", "/kapis/nothing.kubesphere.io/v1/things", 404, "404: Page Not Found"),
        ("GET", "/nothing/here", 404, "404 page not found\n"),
        ("DELETE", "/kapis/version", 405, "405: Method Not Allowed"),
        ("GET", "/kapis/clusters/host/version", 404, "404: Page Not Found"),
    ],
)
async def test_misses_are_worded_as_recorded(stage: Stage, method: str, path: str, code: int, text: str) -> None:
    """A permitted path that nobody serves gives the original router's text."""
    assert await stage.ask("admin", method, path) == (code, text)


async def test_a_cluster_that_is_not_there_is_unavailable(stage: Stage) -> None:
    """503, which clients do not take for an empty cluster; unknown things of our own groups are not found, nor is what
    names another cluster.
    """
    for path in ("/api/v1/nodes", "/apis/apps/v1/deployments", "/api/v1/namespaces/x"):
        code, body = await stage.ask("admin", "GET", path)
        assert (code, body["reason"]) == (503, "ServiceUnavailable")
        assert "the sandbox cluster is not running yet" in body["message"]
    assert (await stage.ask("out", "GET", "/api/v1/pods"))[0] == 403
    ours, other = "/apis/iam.kubesphere.io/v1alpha2/nothings", "/api/clusters/other/v1/nodes"
    for path in (ours, other, "/apis/clusters/host/apps/v1/deployments"):
        code, body = await stage.ask("admin", "GET", path)
        assert (code, body["reason"]) == (404, "NotFound")


async def test_methods_that_nobody_serves_are_refused(stage: Stage) -> None:
    """TRACE and invented methods get 405 and reach nothing."""
    for method in ("TRACE", "BREW"):
        code, text = await stage.raw(f"{method} /kapis/version HTTP/1.1\nHost: x\nConnection: close\n\n")
        assert code in (400, 405), text


async def test_a_service_that_is_away_is_said_to_be(stage: Stage) -> None:
    """503 with Retry-After, in the dialect of the route, and other services go on."""
    async with stage.client.get("/kapis/absent.kubesphere.io/v1/things", headers=stage.headers("out")) as answer:
        assert (answer.status, answer.content_type) == (503, "text/plain")
        assert answer.headers["Retry-After"] == "1"
    assert (await stage.ask("out", "GET", IAM + "/users"))[0] == 200


async def test_a_torn_answer_is_not_taken_for_a_whole_one(stage: Stage) -> None:
    """When a service breaks off in the middle, the client's connection breaks too."""
    head = f"GET {IAM}/torn HTTP/1.1\nHost: x\nConnection: close\nAuthorization: "
    _, text = await stage.raw(head + stage.headers("out")["Authorization"] + "\n\n")
    assert "Content-Length: 100" in text
    assert text.endswith("half")


def test_proxies_that_are_no_networks_are_one_flaw_each() -> None:
    """One line with the setting, its value and what is accepted, not one for each version of IP."""
    with pytest.raises(Invalid) as told:
        read({"gateway": GatewaySettings}, variables={"ORRERY_GATEWAY_PROXIES": "10.0.0.0/8,nonsense"})
    (flaw,) = told.value.flaws
    assert "ORRERY_GATEWAY_PROXIES (environment): '10.0.0.0/8,nonsense' should be networks such as" in flaw.text


@pytest.mark.parametrize(
    "head",
    [
        "GET /kapis?token=secret HTTP/9.9\n\n",
        "G@T /kapis?token=secret HTTP/1.1\nHost: x\n\n",
        "GET /kapis?token=secret HTTP/1.1\nHost x\n\n",
        f"GET /kapis?token=secret{'x' * 20_000} HTTP/1.1\nHost: x\n\n",
    ],
)
async def test_what_is_no_http_is_refused_in_few_words(
    stage: Stage, head: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A Status that neither names the software nor repeats what was sent, and no more than a quiet line in the log."""
    caplog.set_level("DEBUG", "aiohttp.server")
    code, answer = await stage.raw(head)
    assert code == 400
    assert "\r\nServer:" not in answer
    assert '"kind":"Status"' in answer.replace(" ", "")
    assert "secret" not in answer + caplog.text
    said = [record for record in caplog.records if record.name == "aiohttp.server" and "refused" in record.message]
    assert [(record.levelname, record.exc_info) for record in said] == [("DEBUG", None)]


async def test_nobody_is_connected_elsewhere(stage: Stage) -> None:
    """CONNECT is no method here, whatever it names."""
    for target in ("example.com:443", "/kapis"):
        code, answer = await stage.raw(f"CONNECT {target} HTTP/1.1\nHost: x\nConnection: close\n\n")
        assert (code, "\r\nServer:" in answer) == (405, False)
    code, answer = await stage.raw("OPTIONS * HTTP/1.1\nHost: x\nConnection: close\n\n")
    assert (code, "\r\nServer:" in answer) == (400, False)
