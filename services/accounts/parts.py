"""The collaborators that accounts' outer functions are handed, and the questions that they have answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from libs.shared.http.route import May, Mine
from libs.shared.store.protocol import Store
from libs.shared.values import Clock, Ids
from services.accounts.clients.passwords import Passwords
from services.accounts.clients.tokens import Tokens
from services.accounts.clients.turns import Turns
from services.accounts.domain.login import Limits
from services.accounts.domain.resource import IAM, TENANT
from services.accounts.domain.session import Life
from services.accounts.settings import AccountsSettings

READS_USERS = May("reads_users", "get", "users", IAM)
"""Whether the caller may read any user, not only list them."""
LISTS_MEMBERS = May(
    "members.list", verb="list", resource="workspacemembers", group="iam.kubesphere.io", scope="Workspace"
)
"""Whether the caller may list the members of a workspace, which is filled in."""
MANAGES_USERS = May("manages_users", "update", "users", IAM)
DELETES_USERS = May("deletes_users", "delete", "users", IAM)
EVERYTHING = May("everything", "*", "*", "*")
"""Who may do everything can grant everything."""
EVERYTHING_HERE = May("everything", "*", "*", "*", "Workspace", "{workspace}")
"""The same for one workspace."""
SETS_PASSWORDS = May("sets_passwords", "update", "users/password", IAM)
CHANGES_WORKSPACES = May("changes_workspaces", "update", "workspacetemplates", TENANT)
REMOVES_WORKSPACES = May("removes_workspaces", "delete", "workspacetemplates", TENANT)
LISTS_WORKSPACES = May("lists_workspaces", "list", "workspaces", "*")
MANAGES_CLUSTERS = May("manages_clusters", "delete", "clusters", "cluster.kubesphere.io")
MINE = Mine("mine", "workspaces")


@dataclass(frozen=True, slots=True)
class Parts:
    """All of them."""

    store: Store
    clock: Clock
    ids: Ids
    passwords: Passwords
    tokens: Tokens
    settings: AccountsSettings
    turns: Turns

    @property
    def limits(self) -> Limits:
        """What locks an account."""
        return Limits(self.settings.tries, timedelta(seconds=self.settings.tries_seconds))

    @property
    def life(self) -> Life:
        """How long tokens live."""
        return Life(timedelta(seconds=self.settings.access_seconds), timedelta(seconds=self.settings.idle_seconds))
