"""The accounts service: what it declares, and how it is opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.resources import files

import orjson

from libs.shared.contracts import accounts_v1
from libs.shared.errors import Broken, Exists, Invalid
from libs.shared.service import Host, Service
from libs.shared.values import Secret
from services.accounts.clients import tokens
from services.accounts.clients.passwords import Passwords
from services.accounts.clients.turns import Turns
from services.accounts.commands import seed
from services.accounts.domain.login import Attempts, LoginRecord
from services.accounts.domain.password import Credential, rule_against
from services.accounts.domain.resource import IAM, TENANT
from services.accounts.domain.role import GlobalRole, GlobalRoleBinding, RoleBase, WorkspaceRole, WorkspaceRoleBinding
from services.accounts.domain.seed import Seeded, Seeds, seeds
from services.accounts.domain.session import Session
from services.accounts.domain.user import User
from services.accounts.domain.workspace import Workspace
from services.accounts.kinds import KINDS
from services.accounts.parts import Parts
from services.accounts.rest import ROUTES
from services.accounts.settings import AccountsSettings
from services.accounts.workers import WORKERS

DOCUMENTS = (
    User,
    Credential,
    Attempts,
    Session,
    LoginRecord,
    GlobalRole,
    GlobalRoleBinding,
    WorkspaceRole,
    WorkspaceRoleBinding,
    RoleBase,
    Workspace,
    Seeded,
)


@asynccontextmanager
async def open_accounts(host: Host) -> AsyncIterator[Parts]:
    """Open the hashing pool and the signing key, and sow what stands from the first start.

    Raises `Broken` when the key can't be kept, or the first start has no password for `admin`;
    `Invalid` when that password breaks the rules.
    """
    settings = host.settings
    if not isinstance(settings, AccountsSettings):
        raise Broken("accounts-settings", "accounts was opened with settings that aren't its own")
    passwords = Passwords(
        memory_kib=settings.hash_memory_kib,
        passes=settings.hash_passes,
        workers=settings.hash_workers,
        waiting=settings.hash_waiting,
        each=settings.hash_waiting_each,
    )
    try:
        signing = tokens.opened(settings.signing_key, host.data)
        await _sow(host, passwords)
        yield Parts(host.store, host.clock, host.ids, passwords, signing, settings, Turns(host.clock))
    finally:
        passwords.close()


def load_seeds() -> Seeds:
    """The data files beside this one, from KubeSphere's installer: per scope, roles that stand from the first start and
    templates that roles are made of. `granted` is what a role really allows where that is less than the rules that
    clients are shown; `ui`, `dependencies` and `aggregates` are annotations in the very text that clients compare.
    """
    folder = files("services.accounts") / "seeds"
    names = ("global", "workspace", "project", "cluster")
    return seeds({name: orjson.loads((folder / f"{name}.json").read_bytes()) for name in names})


async def _sow(host: Host, passwords: Passwords) -> None:
    """Only the first start hashes the password and reads the data files."""
    if not await host.store.transact(seed.seeded):
        await _first(host, passwords)
    if not host.demo:
        return
    with suppress(Exists):  # a name that it needs is taken: then there is none
        await host.store.transact(seed.sow_demo, uid=host.ids(), at=host.clock())


async def _first(host: Host, passwords: Passwords) -> None:
    admin = await passwords.hash(_vetted(host.admin_password)) if host.admin_password else None
    uid, at = host.ids(), host.clock()
    await host.store.transact(seed.sow, load_seeds(), admin, made=host.admin_password_made, uid=uid, at=at)


def _vetted(password: Secret) -> Secret:
    """The first password of `admin`, which has to obey the rules like any other. Raises `Invalid`."""
    rule = rule_against(password)
    if rule:
        raise Invalid("admin-password", f"ORRERY_ADMIN_PASSWORD: '***' {rule}")
    return password


SERVICE = Service(
    name="accounts",
    about="Users, sign-in, roles, bindings, role templates and workspaces.",
    settings=AccountsSettings,
    open=open_accounts,
    documents=DOCUMENTS,
    publishes=accounts_v1.EVENTS,
    routes=ROUTES,
    kinds=KINDS,
    workers=WORKERS,
    groups={
        **dict.fromkeys(
            (
                "users",
                "globalroles",
                "globalrolebindings",
                "workspaceroles",
                "workspacerolebindings",
                "rolebases",
                "loginrecords",
                "workspacemembers",
            ),
            IAM,
        ),
        "workspacetemplates": TENANT,
        "workspaces": TENANT,
    },
)
