"""People, roles and workspaces as an installation has them (iam-gateway, section 6), told as accounts tells them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from libs.shared.contracts import accounts_v1 as accounts
from libs.shared.event import Event
from services.gateway.domain.attributes import Attributes, read_attributes
from services.gateway.domain.caller import AUTHENTICATED, NOBODY, Caller
from services.gateway.domain.changes import apply
from services.gateway.domain.index import Index
from services.gateway.domain.path import read_path
from services.gateway.domain.shelf import Area

AT = datetime(2030, 1, 1, tzinfo=UTC)
READ = ("get", "list", "watch")
MONITORING = ("monitoring.kubesphere.io", "metering.kubesphere.io", "monitoring.coreos.com")
PEOPLE = ("admin", "out", "view", "reg", "self", "adm", "prov", "users-mgr")


def rule(
    groups: str | tuple[str, ...], resources: str | tuple[str, ...], verbs: str | tuple[str, ...]
) -> accounts.Rule:
    """A rule; a plain text is one of its kind."""
    return accounts.Rule(api_groups=_tuple(groups), resources=_tuple(resources), verbs=_tuple(verbs))


def _tuple(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


EVERYTHING = rule("*", "*", "*")
GLOBAL_ROLES = {
    "platform-admin": (EVERYTHING, accounts.Rule(verbs=("*",), non_resource_urls=("*",))),
    "platform-self-provisioner": (
        rule("tenant.kubesphere.io", ("workspaces", "workspacetemplates"), ("create", "watch")),
    ),
    "platform-regular": (),
    "users-manager": (rule("*", ("users", "users/password", "users/loginrecords"), "*"),),
    "anonymous": (
        rule("openpitrix.io", ("apps", "apps/versions", "categories", "attachments"), ("get", "list")),
        rule("config.kubesphere.io", "configs", ("get", "list")),
        rule("devops.kubesphere.io", "s2ibinaries/file", "get"),
        rule("devops.kubesphere.io", ("webhook", "webhooks"), ("get", "create")),
    ),
    "pre-registration": (rule("iam.kubesphere.io", "users", ("create", "list")),),
    "authenticated": (
        rule("iam.kubesphere.io", "users", "list"),
        rule("config.kubesphere.io", "configs", ("get", "list")),
        rule("resources.kubesphere.io", ("registry", "git"), ("get", "create")),
        rule("resources.kubesphere.io", "clusters", ("get", "list")),
        rule("resources.kubesphere.io", ("namespaces", "services"), "list"),
        rule("*", ("storageclasses", "storageclasscapabilities", "nodes"), ("get", "list")),
        rule("openpitrix.io", "clusters/namespaces", "*"),
        rule("openpitrix.io", ("apps", "apps/versions", "repos"), "*"),
        rule("tenant.kubesphere.io", "workspacetemplates", "patch"),
    ),
}
GLOBAL_BINDINGS = {
    "admin": ("platform-admin", ("User", "admin")),
    "anonymous": ("anonymous", ("Group", "system:unauthenticated")),
    "authenticated": ("authenticated", ("Group", "system:authenticated")),
    "pre-registration": ("pre-registration", ("User", "system:pre-registration")),
    "prov": ("platform-self-provisioner", ("User", "prov")),
    "users-mgr": ("users-manager", ("User", "users-mgr")),
}
WORKSPACE_ROLES = {
    "admin": (EVERYTHING,),
    "viewer": (rule("*", "*", READ),),
    "regular": (rule("*", ("workspaces", "workspacemembers"), READ), rule(MONITORING, "namespaces", "list")),
    "self-provisioner": (
        rule("*", ("workspaces", "workspacemembers", "quotas", "abnormalworkloads", "pods"), READ),
        rule("*", ("namespaces", "federatednamespaces", "devops", "devopsprojects"), ("create", "watch")),
        rule("*", "devops", "get"),
        rule(MONITORING, ("namespaces", "workloads"), ("get", "list")),
        rule("openpitrix.io", "*", "*"),
    ),
}
MEMBERS = {"view": "viewer", "reg": "regular", "self": "self-provisioner", "adm": "admin"}


def told() -> Iterator[Event]:
    """An installation: workspaces `a` (with a member of each role) and `b` (with `admin` alone)."""
    for name in PEOPLE:
        yield accounts.UserCreated(user=name, uid=f"uid-{name}", state="Active")
    for name, rules in GLOBAL_ROLES.items():
        yield accounts.GlobalRoleCreated(role=name, rules=rules)
    for name, (role, (kind, subject)) in GLOBAL_BINDINGS.items():
        yield accounts.GlobalRoleBound(binding=name, role=role, subjects=(accounts.Subject(kind=kind, name=subject),))
    for workspace in ("a", "b"):
        yield accounts.WorkspaceCreated(workspace=workspace, manager="admin")
        for base, rules in WORKSPACE_ROLES.items():
            yield accounts.WorkspaceRoleCreated(role=f"{workspace}-{base}", workspace=workspace, rules=rules)
        yield bound("admin", f"{workspace}-admin", workspace)
    for user, base in MEMBERS.items():
        yield bound(user, f"a-{base}", "a")


def bound(user: str, role: str, workspace: str) -> accounts.WorkspaceRoleBound:
    """A user's binding in a workspace, named as the members API names it."""
    return accounts.WorkspaceRoleBound(
        binding=f"{user}-{role}",
        workspace=workspace,
        role=role,
        subjects=(accounts.Subject(kind="User", name=user),),
    )


def index() -> Index:
    """The index of that installation, with project `p` in workspace `a` as a cluster's feed will tell it."""
    made = Index()
    for event in told():
        apply(made, event, 1, AT)
    made.namespaces["p"] = Area("a", "p")
    made.namespaces["kube-system"] = Area("", "kube-system")
    made.devops["d"] = Area("a", "d")
    return made


def caller(name: str) -> Caller:
    """Somebody signed in, or nobody for an empty name."""
    return Caller.of(name, (AUTHENTICATED,)) if name else NOBODY


def asked(method: str, target: str) -> Attributes:
    """The attributes of a request line."""
    path, _, query = target.partition("?")
    return read_attributes(method, read_path(path), query)
