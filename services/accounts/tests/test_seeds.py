"""What stands after the first start."""

from __future__ import annotations

import json
import uuid

import pytest

from libs.shared.errors import Broken, Invalid
from libs.shared.testing.host import running
from libs.shared.values import Secret
from services.accounts.app import SERVICE, load_seeds
from services.accounts.commands import seed
from services.accounts.commands import workspace as workspaces
from services.accounts.domain.role import AGGREGATION, TEMPLATE, GlobalRole, GlobalRoleBinding, RoleBase, WorkspaceRole
from services.accounts.domain.user import UNINITIALIZED, State, User
from services.accounts.domain.workspace import Workspace, WorkspaceWish
from services.accounts.tests.stage import Stage


async def test_first_start_makes_everything_once(stage: Stage) -> None:
    """All built-in roles, templates and bindings stand, with one event each; a second sowing changes nothing."""
    store = stage.parts.store
    assert await store.of(GlobalRole).count() == 6 + 13
    assert await store.of(RoleBase).count() == 4 + 3 + 35 + 2 + 30
    assert {b.name for b in await store.of(GlobalRoleBinding).find()} == {
        "admin", "anonymous", "authenticated", "pre-registration",
    }  # fmt: skip
    roles = await store.of(WorkspaceRole).find()
    assert {r.name for r in roles if r.workspace == "system-workspace"} == {
        f"system-workspace-{name}" for name in ("admin", "viewer", "regular", "self-provisioner")
    }
    assert sum(1 for r in roles if not r.workspace) == 19
    assert (await store.of(Workspace).get("system-workspace")).cluster_selector == {}
    assert (await store.of(User).get("admin")).state == State.ACTIVE
    before = await stage.told()
    again = await stage.do(seed.sow, load_seeds(), None, made=True, uid=str(uuid.uuid4()), at=stage.clock())
    assert not again
    assert len(await stage.told()) == len(before)
    assert len([e for e in before if e.name == "GlobalRoleCreated"]) == 19
    assert all(e.version for e in before if e.name != "WorkspaceMemberInvited")


async def test_what_roles_aggregate_is_there() -> None:
    """Every template that a built-in role or a dependency names is among the seeds of its own scope."""
    seeds = load_seeds()
    scopes = {
        "global": seeds.global_roles,
        "workspace": seeds.workspace_templates + tuple(b for b in seeds.bases if b.kind == "WorkspaceRole"),
        "project": tuple(b for b in seeds.bases if b.kind == "Role"),
        "cluster": tuple(b for b in seeds.bases if b.kind == "ClusterRole"),
    }
    for entries in scopes.values():
        names = {entry.name for entry in entries if TEMPLATE in entry.labels}
        for entry in entries:
            for key in (AGGREGATION, "iam.kubesphere.io/dependencies"):
                assert set(json.loads(entry.annotations.get(key, "[]"))) <= names
            json.loads(entry.annotations.get("iam.kubesphere.io/role-template-rules", "{}"))


async def test_signed_in_users_do_not_write_to_the_app_store(stage: Stage) -> None:
    """The role `authenticated` shows the rules that clients know, but tells the gateway narrower ones."""
    role = await stage.parts.store.of(GlobalRole).get("authenticated")
    assert any("*" in r.verbs for r in role.rules if "openpitrix.io" in r.api_groups)
    told = next(json.loads(e.data) for e in await stage.named("GlobalRoleCreated") if "authenticated" in e.data)
    app_store = [r for r in told["rules"] if "openpitrix.io" in r["api_groups"]]
    assert app_store
    assert all(set(r["verbs"]) <= {"get", "list"} for r in app_store)


@pytest.mark.parametrize("made", [True, False])
async def test_only_a_made_password_is_to_be_changed(bare: Stage, made: bool) -> None:
    """`uninitialized` stands on admin when the platform thought the password up, and not when its owner set it."""
    hashed = await bare.parts.passwords.hash(Secret("P@88w0rd"))
    await bare.do(seed.sow, load_seeds(), hashed, made=made, uid=str(uuid.uuid4()), at=bare.clock())
    admin = await bare.parts.store.of(User).get("admin")
    assert (UNINITIALIZED in admin.annotations) is made


async def test_no_start_without_a_password_for_admin(bare: Stage) -> None:
    """Without one nothing is sown, and the fault names the setting."""
    with pytest.raises(Broken, match="ORRERY_ADMIN_PASSWORD"):
        await bare.do(seed.sow, load_seeds(), None, made=False, uid=str(uuid.uuid4()), at=bare.clock())
    assert await bare.parts.store.of(GlobalRole).count() == 0


@pytest.mark.parametrize("password", ["short", "alllower1", "$2b$03$" + "e" * 53])
async def test_no_start_with_a_password_that_breaks_the_rules(password: str) -> None:
    """What nobody may have as a password isn't admin's either: one line with the setting and the rule."""
    with pytest.raises(Invalid, match=r"^ORRERY_ADMIN_PASSWORD: '\*\*\*' should [^\n]*$") as told:
        async with running(SERVICE, admin_password=password):
            pass
    assert password not in str(told.value)


async def test_the_demo_is_made_once(stage: Stage) -> None:
    """Its workspace stands with roles and its manager; removed, it doesn't come back; without a demo there is none."""
    assert await stage.parts.store.of(Workspace).look("demo-ws") is None
    for made in (True, False):
        assert await stage.do(seed.sow_demo, uid=str(uuid.uuid4()), at=stage.clock()) is made
    assert (await stage.parts.store.of(Workspace).get("demo-ws")).manager == "admin"
    roles = [role.name for role in await stage.parts.store.of(WorkspaceRole).find() if role.workspace == "demo-ws"]
    assert len(roles) == 4
    await stage.do(workspaces.delete_workspace, "demo-ws", orphan=True, by="admin")
    assert not await stage.do(seed.sow_demo, uid=str(uuid.uuid4()), at=stage.clock())
    assert await stage.parts.store.of(Workspace).look("demo-ws") is None


async def test_a_workspace_of_the_demos_name_stays_its_owners(stage: Stage) -> None:
    """Who made one before the demo came keeps it as it is."""
    await stage.user("bob")
    wish = WorkspaceWish(name="demo-ws", manager="bob")
    await stage.do(workspaces.create_workspace, wish, uid=str(uuid.uuid4()), by="admin", at=stage.clock())
    assert not await stage.do(seed.sow_demo, uid=str(uuid.uuid4()), at=stage.clock())
    assert (await stage.parts.store.of(Workspace).get("demo-ws")).manager == "bob"


@pytest.mark.parametrize(("cluster", "stands"), [("sandbox:", True), ("in-cluster:", False)])
async def test_a_demo_comes_with_the_sandbox(cluster: str, stands: bool) -> None:
    """Where nothing is said, the workspace is made if the cluster is the sandbox, and not in a real one."""
    async with running(SERVICE, admin_password="P@88w0rd", demo="", cluster=cluster) as suite:
        found = await suite.services["accounts"].host.store.of(Workspace).look("demo-ws")
    assert (found is not None) is stands
