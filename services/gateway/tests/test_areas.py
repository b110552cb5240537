"""Namespaces and DevOps projects, as their owners tell of them: who may do what in them, and when nobody knows."""

from __future__ import annotations

import pytest

from libs.shared.contracts import accounts_v1 as accounts
from libs.shared.contracts import cluster_v1 as cluster
from libs.shared.contracts import devops_v1 as devops
from libs.shared.errors import Busy
from libs.shared.event import Event
from libs.shared.http.route import Where
from services.gateway.domain.caller import AUTHENTICATED, Caller
from services.gateway.domain.changes import CHANGES, apply, source_of
from services.gateway.domain.decision import allowed
from services.gateway.domain.effect import EVERYBODY, NOTHING, Effect
from services.gateway.domain.index import Index
from services.gateway.domain.shelf import CLUSTER, DEVOPS, SOURCES
from services.gateway.queries.answers import mine, where
from services.gateway.tests.seeds import AT, asked, caller, told

ALL = ("*",)
READ = ("get", "list", "watch")
PODS, PIPELINES = "/api/v1/namespaces/shop/pods", "/kapis/devops.kubesphere.io/v1alpha3/devops/ci/pipelines"


def user(name: str) -> cluster.Subject:
    return cluster.Subject(kind="User", name=name)


def group(name: str) -> cluster.Subject:
    return cluster.Subject(kind="Group", name=name)


def reads() -> cluster.Rule:
    return cluster.Rule(verbs=READ, api_groups=ALL, resources=ALL)


def bound(project: str, name: str, role: str, *subjects: cluster.Subject, kind: str = "Role") -> Event:
    return cluster.ProjectRoleBound(project=project, binding=name, role_kind=kind, role=role, subjects=subjects)


AREAS: tuple[Event, ...] = (
    cluster.ProjectObserved(project="shop", uid="1", workspace="a", phase="Active"),
    cluster.ProjectObserved(project="till", uid="2", workspace="b", phase="Active"),
    cluster.ProjectObserved(project="kube-system", uid="3", phase="Active"),
    cluster.ProjectRoleObserved(project="shop", role="viewer", rules=(reads(),)),
    cluster.ClusterRoleObserved(role="view", rules=(reads(),)),
    bound("shop", "out-viewer", "viewer", user("out")),
    bound("till", "prov-view", "view", user("prov"), kind="ClusterRole"),
    devops.DevOpsProjectCreated(project="ci", uid="4", workspace="a", namespace="ci", creator="adm"),
    devops.DevOpsProjectCreated(project="cd", uid="5", workspace="b", namespace="cd", creator="admin"),
    devops.DevOpsRoleObserved(
        project="ci", role="viewer", rules=(devops.Rule(verbs=READ, api_groups=ALL, resources=ALL),)
    ),
    devops.DevOpsRoleBound(
        project="ci",
        binding="out-viewer",
        role_kind="Role",
        role="viewer",
        subjects=(devops.Subject(kind="User", name="out"),),
    ),
)


@pytest.fixture
def index() -> Index:
    """The installation of `seeds`, with areas told as their owners tell them."""
    made = Index()
    for event in (*told(), *AREAS):
        apply(made, event, 1, AT)
    return made


def may(index: Index, name: str, method: str, target: str) -> bool:
    return allowed(index, caller(name), asked(method, target))


@pytest.mark.parametrize(
    ("method", "target", "who"),
    [
        ("GET", PODS, ("admin", "adm", "view", "self", "out")),
        ("POST", PODS, ("admin", "adm")),
        ("GET", PODS + "/web/log", ("admin", "adm", "view", "out")),
        ("GET", "/api/v1/namespaces/shop", ("admin", "adm", "view", "out")),
        ("GET", "/api/v1/namespaces/till/pods", ("admin", "prov")),
        ("GET", "/api/v1/namespaces/kube-system/pods", ("admin",)),
        ("GET", "/api/v1/namespaces/nowhere/pods", ("admin",)),
        ("GET", "/api/v1/pods", ("admin",)),
        ("GET", PIPELINES, ("admin", "adm", "view", "out")),
        ("POST", PIPELINES, ("admin", "adm")),
        ("GET", "/kapis/devops.kubesphere.io/v1alpha3/devops/cd/pipelines", ("admin",)),
        ("GET", "/kapis/devops.kubesphere.io/v1alpha3/devops/nowhere/pipelines", ("admin",)),
        (
            "GET",
            "/kapis/tenant.kubesphere.io/v1alpha2/workspaces/a/namespaces/shop",
            ("admin", "adm", "view", "self", "reg", "out"),
        ),
    ],
)
def test_who_may_what(index: Index, method: str, target: str, who: tuple[str, ...]) -> None:
    """Roles of the platform, of the area's own workspace, and of the area itself: nobody else, nowhere else."""
    people = ("admin", "adm", "view", "self", "reg", "out", "prov", "users-mgr", "")
    assert tuple(name for name in people if may(index, name, method, target)) == who


def test_what_is_unbound_or_gone_grants_nothing(index: Index) -> None:
    """A binding, its role, or the namespace itself; an older event doesn't bring it back, a newer one does."""
    for event, again in (
        (cluster.ProjectRoleUnbound(project="shop", binding="out-viewer"), AREAS[5]),
        (cluster.ProjectRoleGone(project="shop", role="viewer"), AREAS[3]),
        (cluster.ProjectGone(project="shop", uid="1", workspace="a"), AREAS[0]),
    ):
        assert may(index, "out", "GET", PODS)
        assert apply(index, event, 5, AT) != NOTHING
        assert not may(index, "out", "GET", PODS)
        apply(index, again, 4, AT)
        assert not may(index, "out", "GET", PODS)
        apply(index, again, 6, AT)
        assert may(index, "out", "GET", PODS)
        index.shelves[CLUSTER].versions.clear()
    apply(index, devops.DevOpsProjectDeleted(project="ci", uid="4", workspace="a"), 2, AT)
    assert not may(index, "out", "GET", PIPELINES)


def test_a_namespace_that_changes_hands(index: Index) -> None:
    """Members of the workspace that has it now may; those of the former may no longer; open streams are looked at."""
    moved = cluster.ProjectObserved(project="shop", uid="1", workspace="b", phase="Active")
    assert apply(index, moved, 2, AT) == EVERYBODY
    assert not may(index, "view", "GET", PODS)
    assert may(index, "out", "GET", PODS), "who is bound in it stays so"
    assert apply(index, moved, 3, AT) == NOTHING, "told again it concerns nobody"


def test_bindings_of_the_cluster(index: Index) -> None:
    """A ClusterRoleBinding counts everywhere but for what is global, and only with a ClusterRole that stands."""
    everywhere = cluster.ClusterRoleBound(binding="x", role="view", subjects=(user("prov"),))
    assert apply(index, everywhere, 1, AT) == Effect(users=frozenset({"prov"}))
    assert may(index, "prov", "GET", "/api/v1/pods")
    assert may(index, "prov", "GET", PODS)
    assert not may(index, "prov", "GET", "/kapis/iam.kubesphere.io/v1alpha2/globalroles")
    apply(index, cluster.ClusterRoleGone(role="view"), 2, AT)
    assert not may(index, "prov", "GET", "/api/v1/pods")
    apply(index, cluster.ClusterRoleObserved(role="view", rules=(reads(),)), 3, AT)
    apply(index, cluster.ClusterRoleUnbound(binding="x"), 2, AT)
    assert not may(index, "prov", "GET", "/api/v1/pods")


@pytest.mark.parametrize("name", ["system:masters", "system:nodes", "orrery:decided", "system:serviceaccounts"])
def test_groups_of_a_clusters_own_parts_are_nobodys(index: Index, name: str) -> None:
    """An account may be put into a group of any name: what a cluster binds to its own groups counts for no account."""
    apply(index, cluster.ClusterRoleBound(binding="x", role="view", subjects=(group(name),)), 1, AT)
    eve = Caller.of("eve", (name, AUTHENTICATED))
    assert not allowed(index, eve, asked("GET", "/api/v1/pods"))
    apply(index, cluster.ClusterRoleBound(binding="y", role="view", subjects=(group(AUTHENTICATED),)), 1, AT)
    assert allowed(index, eve, asked("GET", "/api/v1/pods"))


def test_no_namespace_lends_rights_in_a_devops_project(index: Index) -> None:
    """Whoever makes a namespace of a project's name is nothing in the project, and the other way round."""
    apply(index, cluster.ProjectObserved(project="cd", uid="9", workspace="a"), 2, AT)
    apply(index, cluster.ProjectRoleObserved(project="cd", role="admin", rules=(reads(),)), 1, AT)
    apply(index, bound("cd", "mine", "admin", user("out")), 1, AT)
    assert may(index, "out", "GET", "/api/v1/namespaces/cd/pods")
    assert not may(index, "out", "GET", "/kapis/devops.kubesphere.io/v1alpha3/devops/cd/pipelines")
    assert not may(index, "out", "GET", "/kapis/devops.kubesphere.io/v1alpha3/namespaces/cd/pipelineruns/r")
    apply(index, cluster.ProjectObserved(project="ci", uid="9", workspace="b"), 2, AT)
    assert not may(index, "out", "GET", "/api/v1/namespaces/ci/pods")


def test_a_silent_cluster_closes_namespaces_alone(index: Index) -> None:
    """Who may by the platform's roles may still; anybody else is told to wait in a namespace, and nowhere else."""
    apply(index, cluster.ClusterRoleBound(binding="x", role="view", subjects=(user("prov"),)), 1, AT)
    index.closed = frozenset({CLUSTER})
    assert may(index, "admin", "GET", PODS)
    for name in ("adm", "out", "users-mgr", ""):
        with pytest.raises(Busy, match="cluster"):
            may(index, name, "GET", PODS)
    with pytest.raises(Busy):
        may(index, "adm", "GET", "/kapis/tenant.kubesphere.io/v1alpha2/workspaces/a/namespaces/shop")
    assert may(index, "out", "GET", PIPELINES)
    assert may(index, "view", "GET", "/kapis/iam.kubesphere.io/v1alpha2/workspaces/a/workspacemembers")
    assert not may(index, "prov", "GET", "/api/v1/pods"), "what the cluster told grants nothing meanwhile"
    index.closed = frozenset({DEVOPS})
    assert may(index, "out", "GET", PODS)
    with pytest.raises(Busy, match="devops"):
        may(index, "out", "GET", PIPELINES)


@pytest.mark.parametrize(
    ("name", "namespaces", "projects"),
    [
        ("out", ["shop"], ["ci"]),
        ("prov", ["till"], []),
        ("view", ["shop"], ["ci"]),
        ("adm", ["shop"], ["ci"]),
        ("self", [], []),
        ("reg", [], []),
        ("users-mgr", [], []),
        ("admin", ["shop", "till"], ["cd", "ci"]),
    ],
)
def test_whose_namespaces_are_whose(index: Index, name: str, namespaces: list[str], projects: list[str]) -> None:
    """Where one is bound, and all of a workspace in which one may list them."""
    assert mine(index, caller(name), "namespaces") == namespaces
    assert mine(index, caller(name), "devopsprojects") == projects


def test_whose_namespaces_are_not_guessed(index: Index) -> None:
    """While the cluster is silent nobody is told a shorter list; workspaces are accounts' and are told."""
    index.closed = frozenset({CLUSTER})
    with pytest.raises(Busy):
        mine(index, caller("out"), "namespaces")
    assert mine(index, caller("view"), "workspaces") == ["a"]


def test_a_snapshot_replaces_its_own_source_alone(index: Index) -> None:
    """What the cluster has told is taken over whole; accounts' and devops' stays."""
    staged = Index()
    apply(staged, cluster.ProjectObserved(project="new", uid="8", workspace="a"), 1, AT)
    index.adopt(staged, CLUSTER)
    assert set(index.namespaces) == {"new"}
    assert may(index, "view", "GET", "/api/v1/namespaces/new/pods")
    assert may(index, "out", "GET", PIPELINES)
    assert not may(index, "out", "GET", PODS)
    assert index.users["out"].active


def test_each_event_is_of_a_source() -> None:
    """Whatever changes the index is told by a service that it waits for."""
    assert {source_of(event) for event in CHANGES} == set(SOURCES)
    assert source_of(accounts.UserCreated) == "accounts"


@pytest.mark.parametrize("resource", ["pods", "pods/log", "secrets", "members"])
@pytest.mark.parametrize("name", ["admin", "adm", "view", "self", "out", "prov", "users-mgr", ""])
def test_where_one_may_is_where_requests_pass(index: Index, name: str, resource: str) -> None:
    """The list of namespaces agrees with a decision on each, and True with one on the whole cluster."""
    main, _, sub = resource.partition("/")
    verb = "get" if sub else "list"
    found = where(index, caller(name), Where("", verb, resource))
    paths = {space: f"/api/v1/namespaces/{space}/{main}" + f"/x/{sub}" * bool(sub) for space in index.namespaces}
    passes = sorted(space for space, path in paths.items() if may(index, name, "GET", path))
    assert (sorted(index.namespaces) if found is True else found) == passes
    assert (found is True) is (name == "admin")


def test_where_is_not_answered_without_the_cluster(index: Index) -> None:
    """A list of places by a source that isn't believed would be a guess."""
    index.closed = frozenset({CLUSTER})
    with pytest.raises(Busy):
        where(index, caller("adm"), Where("", "list", "pods"))
