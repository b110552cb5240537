"""Rights: what rules allow, whom bindings reach, and that nobody grants more than he holds."""

import pytest

from libs.sandbox.hooks import Attributes
from libs.sandbox.rbac import Authorizer, Caller, permits, uncovered, with_implied
from libs.sandbox.seed.rights import DECIDED, cluster_bindings, cluster_roles
from libs.shared.errors import Denied


def rule(verbs, groups, resources, names=()):
    found = {"verbs": verbs, "apiGroups": groups, "resources": resources}
    return found | ({"resourceNames": list(names)} if names else {})


def ask(verb, resource="pods", group="", sub="", *, namespace="shop", name=""):
    return Attributes(verb, group, resource=resource, subresource=sub, namespace=namespace, name=name)


@pytest.mark.parametrize(
    ("held", "asked", "allowed"),
    [
        (rule(["get"], [""], ["pods"]), ask("get"), True),
        (rule(["get"], [""], ["pods"]), ask("list"), False),
        (rule(["*"], ["*"], ["*"]), ask("delete", "things", "example.com", "status"), True),
        (rule(["get"], ["apps"], ["pods"]), ask("get"), False),
        (rule(["get"], [""], ["pods"]), ask("get", sub="log"), False),
        (rule(["get"], [""], ["pods/log"]), ask("get", sub="log"), True),
        (rule(["get"], [""], ["pods/log"]), ask("get"), False),
        (rule(["update"], ["apps"], ["*/scale"]), ask("update", "deployments", "apps", "scale"), True),
        (rule(["get"], [""], ["secrets"], ["mine"]), ask("get", "secrets", name="mine"), True),
        (rule(["get"], [""], ["secrets"], ["mine"]), ask("get", "secrets", name="yours"), False),
        (rule(["list"], [""], ["secrets"], ["mine"]), ask("list", "secrets"), False),
        ({"verbs": ["get"], "nonResourceURLs": ["/api/*"]}, Attributes("get", path="/api/v1"), True),
        ({"verbs": ["get"], "nonResourceURLs": ["/api"]}, Attributes("get", path="/api/v1"), False),
        ({"verbs": ["get"], "nonResourceURLs": ["*"]}, ask("get"), False),
        ({}, ask("get"), False),
    ],
)
def test_one_rule(held, asked, allowed):
    """Verbs, groups, resources, subresources, names, paths, and stars."""
    assert permits(held, asked) is allowed


def binding(name, role, *subjects, kind="Role"):
    return {"metadata": {"name": name}, "roleRef": {"kind": kind, "name": role}, "subjects": list(subjects)}


ROLES = {
    ("roles", "shop"): [{"metadata": {"name": "reader"}, "rules": [rule(["get", "list"], [""], ["pods"])]}],
    ("rolebindings", "shop"): [
        binding("b1", "reader", {"kind": "User", "name": "ann"}, {"kind": "Group", "name": "team"}),
        binding("b2", "edit", {"kind": "ServiceAccount", "name": "robot"}, kind="ClusterRole"),
        binding("b3", "no-such-role", {"kind": "User", "name": "ann"}),
        binding("b4", "admin", {"kind": "User", "name": "chief"}, kind="ClusterRole"),
    ],
    ("clusterroles", ""): [
        *cluster_roles(),
        {
            "metadata": {"name": "sum"},
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"part": "of-sum"}}]},
            "rules": [],
        },
        {"metadata": {"name": "part", "labels": {"part": "of-sum"}}, "rules": [rule(["get"], [""], ["nodes"])]},
    ],
    ("clusterrolebindings", ""): [
        *cluster_bindings(),
        binding("s", "sum", {"kind": "User", "name": "sue"}, kind="ClusterRole"),
    ],
}
RIGHTS = Authorizer(lambda resource, namespace: ROLES.get((resource, namespace), []))


@pytest.mark.parametrize(
    ("caller", "asked", "allowed"),
    [
        (Caller("ann"), ask("list"), True),
        (Caller("ann"), ask("list", namespace="other"), False),
        (Caller("ann"), ask("list", namespace=""), False),
        (Caller("bob", ("team",)), ask("get"), True),
        (Caller("bob"), ask("get"), False),
        (Caller("system:serviceaccount:shop:robot"), ask("create", "deployments", "apps"), True),
        (Caller("system:serviceaccount:other:robot"), ask("create", "deployments", "apps"), False),
        (Caller("robot"), ask("create", "deployments", "apps"), False),
        (Caller("sue"), ask("get", "nodes", namespace=""), True),
        (Caller("root", ("system:masters",)), ask("delete", "nodes", namespace=""), True),
        (Caller("bob", (DECIDED,)), ask("delete", "nodes", namespace=""), True),
        (with_implied(Caller("bob")), Attributes("get", path="/apis"), True),
        (with_implied(Caller("system:anonymous")), Attributes("get", path="/apis"), False),
        (Caller("chief"), ask("get", "secrets"), True),
        (Caller("chief"), ask("create", "rolebindings", "rbac.authorization.k8s.io"), True),
    ],
)
def test_who_may_what(caller, asked, allowed):
    """Users, groups and service accounts; within a namespace and everywhere; aggregated roles."""
    assert RIGHTS.allows(caller, asked) is allowed


def test_views_see_no_secrets():
    """`view` reads what is usual, and neither secrets nor rights; `edit` writes and doesn't grant."""
    roles = {role["metadata"]["name"]: role["rules"] for role in cluster_roles()}
    for name, verb, resource, group, allowed in (
        ("view", "list", "deployments", "apps", True),
        ("view", "get", "secrets", "", False),
        ("view", "create", "pods", "", False),
        ("edit", "delete", "secrets", "", True),
        ("edit", "create", "rolebindings", "rbac.authorization.k8s.io", False),
        ("admin", "create", "rolebindings", "rbac.authorization.k8s.io", True),
        ("admin", "create", "namespaces", "", False),
    ):
        assert any(permits(held, ask(verb, resource, group)) for held in roles[name]) is allowed


def role(*rules):
    return {"metadata": {"name": "new"}, "rules": list(rules)}


def test_nobody_grants_more_than_he_holds():
    """An administrator of a namespace makes and binds roles of what he has; nothing beyond."""
    chief = Caller("chief")
    RIGHTS.refuse_escalation(chief, "roles", "shop", role(rule(["get"], [""], ["secrets"])))
    RIGHTS.refuse_escalation(chief, "rolebindings", "shop", binding("n", "edit", kind="ClusterRole"))
    for resource, wanted in (
        ("roles", role(rule(["get"], [""], ["nodes"]))),
        ("roles", role(rule(["*"], ["*"], ["*"]))),
        ("roles", role(rule(["impersonate"], [""], ["users"]))),
        ("rolebindings", binding("n", "cluster-admin", kind="ClusterRole")),
    ):
        with pytest.raises(Denied, match="attempting to grant RBAC permissions not currently held"):
            RIGHTS.refuse_escalation(chief, resource, "shop", wanted)
    with pytest.raises(Denied):
        RIGHTS.refuse_escalation(Caller("ann"), "rolebindings", "shop", binding("n", "edit", kind="ClusterRole"))
    RIGHTS.refuse_escalation(Caller("x", ("system:masters",)), "clusterroles", "", role(rule(["*"], ["*"], ["*"])))


def test_what_isnt_covered_is_named():
    """By verb and resource; a rule for some names covers only those."""
    own = [rule(["get"], [""], ["pods"], ["a"])]
    assert uncovered(own, [rule(["get"], [""], ["pods"], ["a"])]) == []
    assert uncovered(own, [rule(["get"], [""], ["pods"])]) == ["get pods in group ''"]
    assert uncovered(own, [{"verbs": ["get"], "nonResourceURLs": ["/metrics"]}]) == ["get /metrics"]
