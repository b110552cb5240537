"""Who may do what, role by role: the table that the original's answers gave, but for its holes."""

from __future__ import annotations

import pytest

from libs.shared.contracts import accounts_v1 as accounts
from services.gateway.domain.bindings import CLUSTER, Binding, RoleKey, namespace_place
from services.gateway.domain.caller import AUTHENTICATED, PRE_REGISTRATION, Caller, SubjectKey, subject_key
from services.gateway.domain.changes import apply
from services.gateway.domain.decision import allowed, open_to_all
from services.gateway.domain.refusal import forbidden
from services.gateway.domain.rules import Rule, compiled
from services.gateway.domain.shelf import CLUSTER as CLUSTER_SOURCE
from services.gateway.domain.shelf import Area
from services.gateway.tests.seeds import AT, asked, bound, caller, index

IAM = "/kapis/iam.kubesphere.io/v1alpha2"
TENANT = "/kapis/tenant.kubesphere.io/v1alpha2"
TEMPLATES = "/kapis/tenant.kubesphere.io/v1alpha3/workspacetemplates"
RESOURCES = "/kapis/resources.kubesphere.io/v1alpha3"
MEMBERS = ("view", "reg", "self", "adm")
SIGNED_IN = ("out", *MEMBERS, "prov", "admin")
EVERYBODY = ("", *SIGNED_IN)

TABLE = [
    ("GET", IAM + "/users", SIGNED_IN),
    ("GET", IAM + "/users/out", ("out", "admin")),
    ("GET", IAM + "/users/out/globalroles", ("out", "admin")),
    ("PUT", IAM + "/users/out/password", ("out", "admin")),
    ("PUT", IAM + "/users/out", ("out", "admin")),
    ("POST", IAM + "/users", ("admin",)),
    ("DELETE", IAM + "/users/out", ("admin",)),
    ("GET", IAM + "/globalroles", ("admin",)),
    ("POST", IAM + "/globalroles", ("admin",)),
    ("GET", IAM + "/clusterroles", ("admin",)),
    ("GET", IAM + "/clustermembers", ("admin",)),
    ("GET", IAM + "/clustermembers/out", ("out", "admin")),
    ("GET", IAM + "/workspaces/a/workspaceroles", ("view", "adm", "admin")),
    ("POST", IAM + "/workspaces/a/workspaceroles", ("adm", "admin")),
    ("GET", IAM + "/workspaces/b/workspaceroles", ("admin",)),
    ("GET", IAM + "/workspaces/a/workspacemembers", (*MEMBERS, "admin")),
    ("GET", IAM + "/workspaces/b/workspacemembers", ("admin",)),
    ("POST", IAM + "/workspaces/a/workspacemembers", ("adm", "admin")),
    ("GET", IAM + "/workspaces/a/workspacemembers/reg", (*MEMBERS, "admin")),
    ("GET", IAM + "/workspaces/b/workspacemembers/reg/workspaceroles", ("reg", "admin")),
    ("DELETE", IAM + "/workspaces/a/workspacemembers/reg", ("adm", "admin")),
    ("GET", IAM + "/workspaces/a/groups", ("view", "adm", "admin")),
    ("GET", IAM + "/namespaces/p/members", ("view", "adm", "admin")),
    ("GET", IAM + "/namespaces/p/roles", ("view", "adm", "admin")),
    ("GET", IAM + "/devops/d/members", ("view", "adm", "admin")),
    ("GET", TENANT + "/workspaces", SIGNED_IN),
    ("GET", TENANT + "/workspaces/a", (*MEMBERS, "admin")),
    ("GET", TENANT + "/workspaces/b", ("admin",)),
    ("GET", TENANT + "/workspaces/a/namespaces", SIGNED_IN),
    ("GET", TENANT + "/workspaces/b/namespaces", SIGNED_IN),
    ("GET", TENANT + "/workspaces/a/namespaces/p", (*MEMBERS, "admin")),
    ("POST", TENANT + "/workspaces/a/namespaces", ("self", "adm", "admin")),
    ("DELETE", TENANT + "/workspaces/a", ("admin",)),
    ("DELETE", TENANT + "/workspaces/a/namespaces/p", ("adm", "admin")),
    ("GET", TENANT + "/workspaces/a/resourcequotas/a", (*MEMBERS, "admin")),
    ("GET", TENANT + "/clusters", SIGNED_IN),
    ("GET", TENANT + "/logs", SIGNED_IN),
    ("GET", TEMPLATES, SIGNED_IN),
    ("GET", TEMPLATES + "/a", (*MEMBERS, "admin")),
    ("POST", TEMPLATES, ("prov", "admin")),
    ("PATCH", TEMPLATES + "/a", SIGNED_IN),
    ("DELETE", TEMPLATES + "/a", ("admin",)),
    ("GET", "/api/v1/namespaces/p", ("view", "adm", "admin")),
    ("GET", "/api/v1/namespaces/p/pods", ("view", "self", "adm", "admin")),
    ("GET", "/api/v1/namespaces/p/secrets", ("view", "adm", "admin")),
    ("DELETE", "/api/v1/namespaces/p/configmaps/none", ("adm", "admin")),
    ("GET", "/api/v1/nodes", SIGNED_IN),
    ("GET", "/api/v1/pods", ("admin",)),
    ("GET", "/apis/apps/v1/namespaces/p/deployments", ("view", "adm", "admin")),
    ("POST", "/apis/apps/v1/namespaces/p/deployments", ("adm", "admin")),
    ("GET", "/apis", ("admin",)),
    ("GET", "/api", SIGNED_IN),
    ("GET", "/api/v1", SIGNED_IN),
    ("GET", "/version", ("admin",)),
    ("GET", RESOURCES + "/namespaces/p/deployments", ("view", "adm", "admin")),
    ("GET", RESOURCES + "/deployments", ("admin",)),
    ("GET", RESOURCES + "/storageclasses", SIGNED_IN),
    ("GET", "/kapis/resources.kubesphere.io/v1alpha2/namespaces/p/quotas", ("view", "self", "adm", "admin")),
    ("GET", "/kapis/resources.kubesphere.io/v1alpha2/componenthealth", ("admin",)),
    ("GET", "/kapis/resources.kubesphere.io/v1alpha2/users/out/kubectl", ("out", "admin")),
    ("DELETE", "/kapis/notification.kubesphere.io/v2beta2/users/out/receivers/r", ("out", "admin")),
    ("GET", "/apis/iam.kubesphere.io/v1alpha2/users", ("admin",)),
    ("GET", "/apis/iam.kubesphere.io/v1alpha2/users?watch=true", ("admin",)),
    ("GET", "/apis/iam.kubesphere.io/v1alpha2/users?fieldSelector=metadata.name=out", ("out", "admin")),
    ("GET", "/apis/iam.kubesphere.io/v1alpha2/users/out", ("out", "admin")),
    ("PATCH", "/apis/iam.kubesphere.io/v1alpha2/users/out", ("out", "admin")),
    ("PATCH", "/apis/iam.kubesphere.io/v1alpha2/users/out/status", ("admin",)),
    ("DELETE", "/apis/iam.kubesphere.io/v1alpha2/users/out", ("admin",)),
    ("DELETE", "/apis/iam.kubesphere.io/v1alpha2/users", ("admin",)),
    ("GET", "/apis/iam.kubesphere.io/v1alpha2/globalrolebindings", ("admin",)),
    ("GET", "/apis/tenant.kubesphere.io/v1alpha2/workspacetemplates", ("admin",)),
    ("GET", "/api/v1/watch/namespaces?labelSelector=kubesphere.io/workspace=a", ("view", "self", "adm", "admin")),
    ("GET", "/api/v1/watch/namespaces?labelSelector=kubesphere.io/workspace=b", ("admin",)),
    ("GET", "/kapis/openpitrix.io/v1/apps", EVERYBODY),
    ("GET", "/kapis/openpitrix.io/v1/workspaces/a/repos", (*MEMBERS, "admin")),
    ("DELETE", "/kapis/openpitrix.io/v1/workspaces/b/apps/x", ("admin",)),
    ("GET", "/kapis/openpitrix.io/v1/workspaces/b/apps/x/audits", ("admin",)),
    ("GET", "/kapis/openpitrix.io/v1/workspaces/a/apps/x/audits", ("view", "self", "adm", "admin")),
    ("POST", "/kapis/openpitrix.io/v1/repos", ("admin",)),
    ("PATCH", "/kapis/openpitrix.io/v1/apps/x", ("admin",)),
    ("POST", "/kapis/openpitrix.io/v1/apps/x/versions/y/action", ("admin",)),
    ("POST", "/kapis/openpitrix.io/v1/workspaces/a/repos", ("self", "adm", "admin")),
    ("POST", "/kapis/openpitrix.io/v1/workspaces/a/apps/x/versions/y/action", ("self", "adm", "admin")),
    ("GET", "/kapis/openpitrix.io/v1/applications", ("admin",)),
    ("GET", "/api/v1/namespaces/kube-system/secrets", ("admin",)),
    ("GET", "/api/v1/namespaces/nowhere/pods", ("admin",)),
    ("DELETE", "/kapis/tenant.kubesphere.io/v1alpha2/workspaces/a/namespaces/kube-system", ("admin",)),
]


@pytest.mark.parametrize(("method", "target", "who"), TABLE)
def test_decides_as_the_roles_say(method: str, target: str, who: tuple[str, ...]) -> None:
    """Nobody, an outsider, each workspace role, the self-provisioner and the administrator are decided as recorded."""
    known = index()
    found = tuple(name for name in EVERYBODY if allowed(known, caller(name), asked(method, target)))
    assert sorted(found) == sorted(who)


@pytest.mark.parametrize("path", ["/api/v1/namespaces/stray/secrets", "/apis/apps/v1/namespaces/gone/deployments"])
def test_a_namespace_without_workspace_is_nobodys(path: str) -> None:
    """The original's hole: where the workspace is empty or unknown, the roles of every workspace counted."""
    known = index()
    known.namespaces["stray"] = Area("", "stray")
    assert not any(allowed(known, caller(name), asked("GET", path)) for name in MEMBERS)


def test_a_namespace_of_another_workspace_is_foreign() -> None:
    """The namespace's own workspace decides, not the one that the path claims."""
    known = index()
    known.namespaces["q"] = Area("b", "q")
    wanted = asked("GET", TENANT.replace("tenant", "iam") + "/workspaces/a/namespaces/q/members")
    assert not allowed(known, caller("adm"), wanted)


def test_a_deleted_workspace_allows_nothing_at_once() -> None:
    """Its bindings stop counting with the workspace, before each is removed by an event of its own."""
    known = index()
    wanted = asked("GET", IAM + "/workspaces/a/workspaceroles")
    assert allowed(known, caller("adm"), wanted)
    apply(known, accounts.WorkspaceDeleted(workspace="a"), 2, AT)
    assert not allowed(known, caller("adm"), wanted)


def test_a_role_of_another_workspace_means_nothing() -> None:
    """A binding in one workspace cannot name the administrator's role of another."""
    known = index()
    apply(known, bound("out", "b-admin", "a"), 2, AT)
    assert not allowed(known, caller("out"), asked("GET", IAM + "/workspaces/a/workspaceroles"))


def test_a_missing_role_contributes_nothing() -> None:
    """A dangling binding is no error and grants nothing; the role made later counts."""
    known = index()
    apply(known, bound("out", "a-later", "a"), 2, AT)
    wanted = asked("GET", IAM + "/workspaces/a/workspaceroles")
    assert not allowed(known, caller("out"), wanted)
    rules = (accounts.Rule(verbs=("list",), api_groups=("*",), resources=("workspaceroles",)),)
    apply(known, accounts.WorkspaceRoleCreated(role="a-later", workspace="a", rules=rules), 3, AT)
    assert allowed(known, caller("out"), wanted)


def test_groups_bind_their_members() -> None:
    """A subject of kind Group matches by the caller's groups, one of kind User by his name alone."""
    known = index()
    subjects = (accounts.Subject(kind="Group", name="team"),)
    apply(known, accounts.WorkspaceRoleBound(binding="t", workspace="a", role="a-viewer", subjects=subjects), 2, AT)
    wanted = asked("GET", IAM + "/workspaces/a/workspaceroles")
    assert allowed(known, Caller.of("out", ("team", AUTHENTICATED)), wanted)
    assert not allowed(known, Caller.of("team", (AUTHENTICATED,)), wanted)


def test_service_accounts_go_by_their_user_name() -> None:
    """A ServiceAccount subject matches `system:serviceaccount:<namespace>:<name>`."""
    assert subject_key("ServiceAccount", "s", "n") == SubjectKey("User", "system:serviceaccount:n:s")


def test_project_and_cluster_bindings_count_where_they_are() -> None:
    """RoleBindings count in their namespace, ClusterRoleBindings everywhere but at Global scope."""
    known = index()
    read = Rule.of(("get", "list"), ("*",), ("*",))
    told = known.shelves[CLUSTER_SOURCE]
    told.roles[RoleKey("Role", "viewer", "p")] = compiled("viewer", (read,))
    told.roles[RoleKey("ClusterRole", "view")] = compiled("view", (read,))
    out, prov = frozenset({SubjectKey("User", "out")}), frozenset({SubjectKey("User", "prov")})
    told.bindings.put(Binding("x", namespace_place("p"), RoleKey("Role", "viewer", "p"), out))
    told.bindings.put(Binding("y", CLUSTER, RoleKey("ClusterRole", "view"), prov))
    pods, nowhere = asked("GET", "/api/v1/namespaces/p/pods"), asked("GET", "/api/v1/namespaces/q/pods")
    roles = asked("GET", IAM + "/globalroles")
    assert [allowed(known, caller("out"), a) for a in (pods, nowhere, roles)] == [True, False, False]
    assert [allowed(known, caller("prov"), a) for a in (pods, nowhere, roles)] == [True, True, False]


def test_a_rule_for_pods_does_not_cover_their_logs() -> None:
    """Subresources are covered by their own name, `*` or `*/log`."""
    log = asked("GET", "/api/v1/namespaces/p/pods/x/log")
    for resource, covers in (("pods", False), ("pods/log", True), ("*", True), ("*/log", True), ("*/exec", False)):
        assert compiled("r", (Rule.of(("get",), ("",), (resource,)),)).allows(log) is covers


def test_resource_names_restrict() -> None:
    """A rule with names covers these alone, and no nameless request."""
    role = compiled("r", (Rule.of(("get", "list"), ("",), ("nodes",), ("n1",)),))
    assert role.allows(asked("GET", "/api/v1/nodes/n1"))
    assert not role.allows(asked("GET", "/api/v1/nodes/n2"))
    assert not role.allows(asked("GET", "/api/v1/nodes"))


@pytest.mark.parametrize(
    ("url", "method", "allows"),
    [("/version", "GET", True), ("*", "GET", True), ("/ver*", "GET", True), ("/versions", "GET", False)],
)
def test_non_resource_rules(url: str, method: str, allows: bool) -> None:
    """URLs match equal, `*` or by prefix; verbs are the upper-case method."""
    role = compiled("r", (Rule.of((method,), urls=(url,)),))
    assert role.allows(asked("GET", "/version")) is allows
    assert not compiled("r", (Rule.of(("get",), urls=(url,)),)).allows(asked("GET", "/version"))


def test_someone_in_registration_may_only_register() -> None:
    """Who is known to a provider and not to us makes his account, and is no authenticated user."""
    known, guest = index(), Caller.of(PRE_REGISTRATION, ())
    assert allowed(known, guest, asked("POST", IAM + "/users"))
    assert not allowed(known, guest, asked("GET", TENANT + "/workspaces"))


@pytest.mark.parametrize(
    ("path", "is_open"),
    [
        ("/oauth/token", True),
        ("/kapis/config.kubesphere.io/v1alpha2/configs/configz", True),
        ("/kapis/version", True),
        ("/kapis/metrics", True),
        ("/healthz", True),
        ("/version", False),
        ("/oauth", False),
        ("/oauthx", False),
        ("/kapis/version/x", False),
        ("/kapis/clusters/host/version", False),
    ],
)
def test_open_paths(path: str, is_open: bool) -> None:
    """The always-allowed paths are these, to the letter."""
    assert open_to_all(path) is is_open


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            IAM + "/users",
            (
                'users.iam.kubesphere.io is forbidden: User "x" cannot list resource "users" in API group '
                '"iam.kubesphere.io" at the cluster scope'
            ),
        ),
        (
            IAM + "/workspaces/a/workspacemembers",
            (
                'workspacemembers.iam.kubesphere.io is forbidden: User "x" cannot list resource "workspacemembers" in'
                ' API group "iam.kubesphere.io" at the cluster scope'
            ),
        ),
        (
            "/kapis/resources.kubesphere.io/v1alpha2/users/u/kubectl",
            (
                'users.resources.kubesphere.io "u" is forbidden: User "x" cannot get resource "users/kubectl" in API'
                ' group "resources.kubesphere.io" at the cluster scope'
            ),
        ),
        (
            "/api/v1/namespaces/p",
            (
                'namespaces "p" is forbidden: User "x" cannot get resource "namespaces" in API group "" in the'
                ' namespace "p"'
            ),
        ),
        ("/version", 'forbidden: User "x" cannot GET path "/version"'),
    ],
)
def test_words_a_refusal_as_recorded(target: str, message: str) -> None:
    """The sentence is Kubernetes' own, as the recordings have it."""
    assert forbidden("x", asked("GET", target)) == message
