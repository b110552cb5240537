"""Request info: every row of iam-gateway section 2, and what is tightened."""

from __future__ import annotations

import pytest

from libs.shared.errors import Malformed
from services.gateway.domain.attributes import Scope
from services.gateway.tests.seeds import asked

IAM = "/kapis/iam.kubesphere.io/v1alpha2"
TENANT = "/kapis/tenant.kubesphere.io/v1alpha2"
NONE, GLOBAL, CLUSTER = Scope.NONE, Scope.GLOBAL, Scope.CLUSTER
WORKSPACE, NAMESPACE, DEVOPS = Scope.WORKSPACE, Scope.NAMESPACE, Scope.DEVOPS

ROWS = [
    ("POST", "/oauth/authorize?x=1", ("POST", "", "", "", NONE), {}),
    ("GET", "/kapis/foo/bar/", ("GET", "", "", "", NONE), {}),
    ("GET", IAM + "/users/bob/globalroles", ("get", "users", "bob", "globalroles", GLOBAL), {}),
    ("GET", TENANT + "/workspaces", ("list", "workspaces", "", "", GLOBAL), {}),
    ("GET", TENANT + "/workspaces/ws1", ("get", "workspaces", "ws1", "", GLOBAL), {"workspace": "ws1"}),
    (
        "GET",
        "/kapis/tenant.kubesphere.io/v1alpha3/workspacetemplates/ws1",
        ("get", "workspacetemplates", "ws1", "", CLUSTER),
        {},
    ),
    (
        "GET",
        IAM + "/workspaces/ws1/workspacemembers/bob",
        ("get", "workspacemembers", "bob", "", WORKSPACE),
        {"workspace": "ws1"},
    ),
    ("GET", TENANT + "/workspaces/ws1/namespaces", ("list", "namespaces", "", "", WORKSPACE), {"workspace": "ws1"}),
    (
        "GET",
        TENANT + "/workspaces/ws1/namespaces/ns1",
        ("get", "namespaces", "ns1", "", NAMESPACE),
        {"workspace": "ws1", "namespace": "ns1"},
    ),
    ("GET", IAM + "/devops/d1/members", ("list", "members", "", "", DEVOPS), {"devops": "d1"}),
    (
        "POST",
        "/kapis/devops.kubesphere.io/v1alpha3/namespaces/d1/pipelines/p/pipelineruns",
        ("create", "pipelines", "p", "pipelineruns", DEVOPS),
        {"namespace": "d1", "devops": "d1"},
    ),
    (
        "GET",
        "/apis/devops.kubesphere.io/v1alpha3/namespaces/d1/pipelineruns",
        ("list", "pipelineruns", "", "", DEVOPS),
        {"namespace": "d1", "devops": "d1"},
    ),
    ("GET", "/api/v1/namespaces/ns1", ("get", "namespaces", "ns1", "", NAMESPACE), {"namespace": "ns1"}),
    (
        "GET",
        "/api/v1/namespaces/ns1/pods/p/exec?command=sh&stdin=true",
        ("get", "pods", "p", "exec", NAMESPACE),
        {"namespace": "ns1"},
    ),
    (
        "GET",
        "/api/v1/watch/namespaces?labelSelector=kubesphere.io/workspace=ws1",
        ("watch", "namespaces", "", "", WORKSPACE),
        {"workspace": "ws1"},
    ),
    (
        "GET",
        "/apis/clusters/gondor/rbac.authorization.k8s.io/v1/clusterroles",
        ("list", "clusterroles", "", "", CLUSTER),
        {"cluster": "gondor"},
    ),
    (
        "GET",
        "/apis/cluster.kubesphere.io/v1alpha1/clusters/gondor",
        ("get", "clusters", "gondor", "", GLOBAL),
        {"cluster": ""},
    ),
    ("GET", "/kapis/clusters/host/version", ("GET", "", "", "", NONE), {"cluster": "host"}),
    ("DELETE", "/api/v1/namespaces/ns1/pods", ("deletecollection", "pods", "", "", NAMESPACE), {"namespace": "ns1"}),
    ("GET", "/apis/apps/v1", ("GET", "", "", "", NONE), {"kubernetes_request": True}),
    ("GET", "/api", ("GET", "", "", "", NONE), {"kubernetes_request": True}),
    ("GET", "/kapis/version", ("GET", "", "", "", NONE), {"kubernetes_request": False}),
    ("GET", "/", ("GET", "", "", "", NONE), {}),
    ("PUT", "/api/v1/namespaces/ns1/status", ("update", "namespaces", "ns1", "status", NAMESPACE), {}),
    ("PUT", "/api/v1/namespaces/ns1/finalize", ("update", "namespaces", "ns1", "finalize", NAMESPACE), {}),
    ("POST", "/apis/apps/v1/namespaces/n/deployments", ("create", "deployments", "", "", NAMESPACE), {"group": "apps"}),
    ("PATCH", "/apis/apps/v1/namespaces/n/deployments/d/scale", ("patch", "deployments", "d", "scale", NAMESPACE), {}),
    ("HEAD", "/api/v1/nodes", ("list", "nodes", "", "", CLUSTER), {}),
    ("OPTIONS", "/api/v1/nodes", ("", "nodes", "", "", CLUSTER), {}),
    ("GET", "/api/v1/nodes?watch=1", ("watch", "nodes", "", "", CLUSTER), {}),
    ("GET", "/api/v1/nodes?watch", ("watch", "nodes", "", "", CLUSTER), {}),
    ("GET", "/api/v1/nodes?%77atch=true", ("watch", "nodes", "", "", CLUSTER), {}),
    ("GET", "/api/v1/nodes?watch=false", ("list", "nodes", "", "", CLUSTER), {}),
    ("GET", "/api/v1/nodes?watch=0", ("list", "nodes", "", "", CLUSTER), {}),
    ("GET", "/api/v1/nodes/n1?watch=true", ("get", "nodes", "n1", "", CLUSTER), {}),
    ("GET", "/api/v1/watch/namespaces/n/pods/p", ("watch", "pods", "p", "", NAMESPACE), {}),
    ("GET", "/api/v1/proxy/namespaces/n/pods/p/x", ("proxy", "pods", "p", "", NAMESPACE), {}),
    ("GET", "/apis/x/v1/things?fieldSelector=metadata.name%3Dbob", ("list", "things", "bob", "", CLUSTER), {}),
    ("GET", "/apis/x/v1/things?fieldSelector=metadata.name==bob,spec.a=b", ("list", "things", "bob", "", CLUSTER), {}),
    ("GET", IAM + "/workspaces/ws1/devops", ("list", "devops", "", "", WORKSPACE), {"devops": ""}),
    ("GET", "/kapi/v1/namespaces/n/pods", ("list", "pods", "", "", NAMESPACE), {"group": "", "version": "v1"}),
]


@pytest.mark.parametrize(("method", "target", "expected", "more"), ROWS)
def test_reads_a_request(
    method: str, target: str, expected: tuple[str, str, str, str, Scope], more: dict[str, object]
) -> None:
    """Each row of the table gives the verb, resource and place that the specification gives it."""
    found = asked(method, target)
    assert (found.verb, found.resource, found.name, found.subresource, found.scope) == expected
    assert found.resource_request == (found.scope is not NONE)
    assert {key: getattr(found, key) for key in more} == more


def test_a_path_of_the_host_cluster_keeps_its_cluster() -> None:
    """`/kapis/clusters/host/version` is no open path: rules are matched with the whole of it."""
    assert asked("GET", "/kapis/clusters/host/version").path == "/kapis/clusters/host/version"


@pytest.mark.parametrize("method", ["DELETE", "POST", "PUT", "PATCH"])
def test_only_a_reading_method_may_claim_to_watch(method: str) -> None:
    """`DELETE /api/v1/watch/…` is no watch: else a viewer could delete by the deprecated path form."""
    found = asked(method, "/apis/iam.kubesphere.io/v1alpha2/watch/users/bob")
    assert found.verb != "watch"
    assert found.resource == "watch"


@pytest.mark.parametrize(
    "query",
    [
        "fieldSelector=metadata.name=me&fieldSelector=metadata.name=other",
        "fieldSelector=metadata.namespace=me",
        "fieldselector=metadata.name=me",
    ],
)
def test_an_ambiguous_selector_narrows_nothing(query: str) -> None:
    """Servers differ on which of two parameters counts, so neither is believed."""
    assert asked("GET", f"/apis/x/v1/things?{query}").name == ""


def test_selectors_count_only_where_servers_obey_them() -> None:
    """Under `/kapis` handlers may ignore a selector: there it makes no list a named one, and no watch a workspace's."""
    assert asked("GET", IAM + "/users?fieldSelector=metadata.name=me").name == ""
    found = asked("GET", "/kapis/x/v1/things?watch=true&labelSelector=kubesphere.io/workspace=ws1")
    assert (found.verb, found.workspace, found.scope) == ("watch", "", CLUSTER)


def test_a_workspace_selector_does_not_leave_its_namespace() -> None:
    """A watch in a namespace stays one of that namespace, whatever workspace its selector names."""
    found = asked("GET", "/api/v1/watch/namespaces/n/pods?labelSelector=kubesphere.io/workspace=ws1")
    assert (found.scope, found.workspace) == (NAMESPACE, "")


def test_a_selector_with_more_terms_is_no_workspace() -> None:
    """The workspace is the rest of the selector as it stands, so further terms name one that nobody is bound in."""
    found = asked("GET", "/api/v1/watch/pods?labelSelector=kubesphere.io/workspace=ws1,a=b")
    assert found.workspace == "ws1,a=b"


@pytest.mark.parametrize("query", ["watch=true&watch=false", "a=%ff", "&".join(f"a{i}=1" for i in range(201))])
def test_refuses_queries_that_can_be_read_in_two_ways(query: str) -> None:
    """A repeated `watch`, a query that is not UTF-8 and one with too many parameters are refused."""
    with pytest.raises(Malformed):
        asked("GET", f"/api/v1/nodes?{query}")
