"""The one policy that the original ships in Rego, natively and tightened (iam-gateway, sections 6.2 and 13).

It belongs to the role `authenticated`, which every account holds. What the original allows beyond it is a hole: any
verb on one's own record (groups included), the raw list of users, every named thing of the tenant group.
"""

from __future__ import annotations

from typing import Protocol

from services.gateway.domain.attributes import IAM, READING, TENANT, Attributes
from services.gateway.domain.caller import Caller

AUTHENTICATED_ROLE = "authenticated"
APP_STORE = "openpitrix.io"
STORE_RELEASES = frozenset({"applications", "clusters"})
"""Resources of the app store that stand for releases, by either of their paths."""
MEMBERS = frozenset({"clustermembers", "workspacemembers", "members"})
OPEN_PATHS = frozenset({"/api", "/api/v1"})
WORKSPACES = frozenset({"workspaces", "workspacetemplates"})
OWN_WRITES = frozenset({"", "password"})
"""What of one's own account a write may name; accounts restricts the fields by the answer to `users update`."""
SHARED_TENANT_LISTS = frozenset({"list", "watch"})


class Tenancy(Protocol):
    """What the policy asks of the index."""

    def belongs(self, caller: Caller, workspace: str) -> bool:
        """Whether the caller is bound in this workspace, which stands."""
        ...

    def joined(self, caller: Caller, namespace: str) -> bool:
        """Whether the caller is bound in this namespace."""
        ...

    def owner(self, asked: Attributes) -> str:
        """The workspace of the request's namespace or DevOps project, or of its path; empty for none."""
        ...


def grants(tenancy: Tenancy, caller: Caller, asked: Attributes) -> bool:
    """Whether the policy allows the request, whatever the role's rules say."""
    if not asked.resource_request:
        return asked.verb == "GET" and asked.path in OPEN_PATHS
    if asked.resource == "users":
        return asked.name == caller.user and _own_record(asked)
    if asked.resource in MEMBERS:
        return asked.group == IAM and asked.verb in READING and asked.name == caller.user
    return asked.group == TENANT and not asked.kubernetes_request and _tenant(tenancy, caller, asked)


def withholds(tenancy: Tenancy, caller: Caller, asked: Attributes) -> bool:
    """Whether the role's rules do not count here: the role lists users for pickers, through `/kapis` only; and what it
    grants of the app store counts in a workspace only for who belongs there.
    """
    if asked.group == IAM:
        return asked.kubernetes_request and asked.resource == "users"
    return asked.group == APP_STORE and _withholds_store(tenancy, caller, asked)


def _withholds_store(tenancy: Tenancy, caller: Caller, asked: Attributes) -> bool:
    """What the role grants of the app store counts for looking at the store alone, and in a workspace for who belongs
    there: who changes, deploys or reviews anything, or reads releases, needs a role that says so.
    """
    if asked.verb not in READING or asked.resource in STORE_RELEASES:
        return True
    return bool(asked.workspace) and not tenancy.belongs(caller, asked.workspace)


def _own_record(asked: Attributes) -> bool:
    """Reading all of it; writing what has a named command; never deleting it. A record lies on no place's path."""
    if asked.namespace or asked.devops or asked.workspace:
        return False
    if asked.kubernetes_request:
        return asked.group == IAM and not asked.subresource and asked.verb in READING | {"update", "patch"}
    if asked.verb in READING:
        return True
    if asked.group == IAM:
        return asked.verb in ("update", "patch") and asked.subresource in OWN_WRITES
    return bool(asked.subresource)


def _tenant(tenancy: Tenancy, caller: Caller, asked: Attributes) -> bool:
    """Lists are open, as their handlers show what the caller may see; a named thing is for who belongs there."""
    if asked.verb in SHARED_TENANT_LISTS:
        return True
    if asked.verb != "get":
        return False
    if asked.resource in WORKSPACES:
        return tenancy.belongs(caller, asked.name)
    workspace = tenancy.owner(asked)
    if workspace and tenancy.belongs(caller, workspace):
        return True
    return bool(asked.namespace) and tenancy.joined(caller, asked.namespace)
