"""Users: making, changing, disabling and removing them, with what hangs on them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from libs.shared.errors import Denied, Exists, Fault, Invalid, Missing, Stale
from libs.shared.store.protocol import Equal, Find
from libs.shared.values import Secret
from services.accounts.commands import member as members
from services.accounts.commands import session as sessions
from services.accounts.commands import user as users
from services.accounts.commands import workspace as workspaces
from services.accounts.domain import password
from services.accounts.domain.login import From, LoginRecord, Way
from services.accounts.domain.member import Invitation
from services.accounts.domain.password import Credential
from services.accounts.domain.role import GlobalRoleBinding, WorkspaceRoleBinding
from services.accounts.domain.session import Session
from services.accounts.domain.user import PASSWORD_CHANGED, UNINITIALIZED, State, User, UserWish
from services.accounts.domain.workspace import WorkspaceWish
from services.accounts.tests.stage import Stage

HERE = From("10.1.2.3", "curl/8", Way.TOKEN)


async def sign_in(stage: Stage, name: str) -> Session:
    """A session, as after the right password."""
    parts = stage.parts
    reserved = await stage.do(sessions.reserve_attempt, name, parts.ids(), at=stage.clock(), limits=parts.limits)
    assert isinstance(reserved, sessions.Reserved)
    outcome = await stage.do(
        sessions.settle_success, reserved, HERE, better=None, alone=False, at=stage.clock(), life=parts.life
    )
    assert outcome.session is not None
    return outcome.session


def same(user: User, **changes: Any) -> UserWish:
    """The wish for a user as he is, but for these changes."""
    said: dict[str, Any] = {
        "name": user.name,
        "email": user.email,
        "lang": user.lang,
        "description": user.description,
        "display_name": user.display_name,
        "groups": user.groups,
        "labels": user.labels,
        "annotations": user.annotations,
    }
    return UserWish(**{**said, **changes})


async def change(stage: Stage, wish: UserWish, *, by: str = "admin", manager: bool = True, version: str = "") -> User:
    """Change him on the version that stands."""
    standing = await stage.parts.store.of(User).get(wish.name)
    return await stage.do(
        users.change_user,
        wish,
        version or str(standing.stamp.revision),
        by=by,
        manager=manager,
        uid=stage.parts.ids(),
        at=stage.clock(),
    )


async def test_a_user_is_made_with_his_global_role(stage: Stage) -> None:
    """The account is Active at once, its role bound, and both are told, the event without password or hash."""
    bob = await stage.user("bob", lang="de")
    assert bob.state == State.ACTIVE
    assert PASSWORD_CHANGED in bob.annotations
    (binding,) = await stage.parts.store.of(GlobalRoleBinding).find(Find((Equal("members", "User:bob"),)))
    assert (binding.name, binding.role) == ("bob-platform-regular", "platform-regular")
    told = [e for e in await stage.told() if e.subject in ("users/bob", "globalrolebindings/bob-platform-regular")]
    assert [e.name for e in told] == ["UserCreated", "GlobalRoleBound"]
    assert json.loads(told[0].data)["global_role"] == "platform-regular"
    assert told[0].version == bob.stamp.version
    kept = await stage.parts.store.of(Credential).get("bob")
    assert kept.hash.reveal() not in "".join(e.data for e in await stage.told())
    assert kept.hash.reveal() not in repr(kept)


@pytest.mark.parametrize(
    ("wish", "fault"),
    [
        ({"name": "bob"}, Exists),
        ({"name": "rob", "email": "BOB@Example.com"}, Exists),
        ({"name": "rob", "global_role": "no-such"}, Missing),
        ({"name": "Bad_rob"}, Invalid),
        ({"name": ""}, Invalid),
        ({"name": "a" * 254}, Invalid),
        ({"name": "rob", "email": "no address"}, Invalid),
        ({"name": "rob", "labels": {"a b": "c"}}, Invalid),
        ({"name": "rob", "labels": {"a": "x" * 64}}, Invalid),
        ({"name": "rob", "lang": "x" * 5000}, Invalid),
        ({"name": "rob", "annotations": {"k": "v" * (300 << 10)}}, Invalid),
        ({"name": "rob", "groups": tuple("g" * 1001)}, Invalid),
        ({"name": "rob", "state": "Sleeping"}, Invalid),
    ],
)
async def test_bad_wishes_make_nobody(stage: Stage, wish: dict[str, Any], fault: type[Fault]) -> None:
    """Each is refused by its own fault, and neither a document nor an event is left."""
    await stage.user("bob")
    before = len(await stage.told())
    with pytest.raises(fault):
        await stage.do(users.create_user, UserWish(**wish), None, uid=stage.parts.ids(), by="admin", at=stage.clock())
    assert await stage.parts.store.of(User).look("rob") is None
    assert len(await stage.told()) == before


async def test_without_a_password_nobody_signs_in(stage: Stage) -> None:
    """An account without one is Disabled, unless an identity provider vouches for it."""
    ask: dict[str, Any] = {"by": "admin", "at": stage.clock()}
    plain = await stage.do(users.create_user, UserWish(name="ann"), None, uid=stage.parts.ids(), **ask)
    linked = {"iam.kubesphere.io/identify-provider": "ldap"}
    vouched = await stage.do(users.create_user, UserWish(name="ldo", labels=linked), None, uid=stage.parts.ids(), **ask)
    assert (plain.state, vouched.state) == (State.DISABLED, State.ACTIVE)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("P@88w0rd", True),
        ("abc", False),
        ("alllower1", False),
        ("ALLUPPER1", False),
        ("NoDigitsHere", False),
        ("Aa1" + "x" * 62, False),
        ("Ää1ööööö", True),
        ("$2a$10$" + "e" * 53, True),
        ("$2b$04$" + "e" * 53, True),
        ("$2b$03$" + "e" * 53, False),
        ("$2b$00$" + "e" * 53, False),
        ("$2a$15$" + "e" * 53, False),
        ("$2a$31$" + "e" * 53, False),
        ("$2a$10$" + "a" * 53, False),
    ],
)
def test_password_rules(text: str, right: bool) -> None:
    """Eight to sixty-four letters, three sorts of them, or a bcrypt hash of bearable cost; never repeated."""
    if right:
        password.check("bob", Secret(text))
        return
    with pytest.raises(Invalid) as fault:
        password.check("bob", Secret(text))
    assert text not in str(fault.value)
    assert text not in repr(fault.value.flaws)


async def test_a_change_needs_the_present_version(stage: Stage) -> None:
    """None is 422, an older one 409, in Kubernetes' words; both change nothing."""
    bob = await stage.user("bob")
    first = str(bob.stamp.revision)
    bob = await change(stage, same(bob, description="one"))
    with pytest.raises(Stale, match="the object has been modified"):
        await change(stage, same(bob, description="two"), version=first)
    with pytest.raises(Invalid, match="must be specified for an update"):
        await change(stage, same(bob, description="two"), version="0")
    assert (await stage.parts.store.of(User).get("bob")).description == "one"


async def test_nothing_changed_is_not_told(stage: Stage) -> None:
    """A PUT of the same user writes nothing and tells nothing."""
    bob = await stage.user("bob")
    before = len(await stage.told())
    after = await change(stage, same(bob))
    assert after.stamp == bob.stamp
    assert len(await stage.told()) == before


async def test_the_platform_s_own_annotations_stay(stage: Stage) -> None:
    """Computed annotations are never kept, and those of the platform are neither dropped nor forged."""
    bob = await stage.user("bob")
    forged = {PASSWORD_CHANGED: "1999-01-01T00:00:00Z", "iam.kubesphere.io/workspacerole": "x", "own": "1"}
    after = await change(stage, same(bob, annotations=forged))
    assert after.annotations == {PASSWORD_CHANGED: bob.annotations[PASSWORD_CHANGED], "own": "1"}


async def test_disabling_ends_every_session(stage: Stage) -> None:
    """Disabled: each session ended by an event of its own; enabled again: he may sign in, old sessions stay dead."""
    bob = await stage.user("bob")
    one, two = await sign_in(stage, "bob"), await sign_in(stage, "bob")
    bob = await stage.parts.store.of(User).get("bob")
    bob = await change(stage, same(bob, state="Disabled"))
    assert bob.state == State.DISABLED
    ended = await stage.named("SessionEnded")
    assert {e.subject for e in ended} == {f"sessions/{one.id}", f"sessions/{two.id}"}
    assert {json.loads(e.data)["reason"] for e in ended} == {"disabled"}
    assert len(await stage.named("UserDisabled")) == 1
    bob = await change(stage, same(bob, state="Active"))
    assert bob.state == State.ACTIVE
    assert len(await stage.named("UserEnabled")) == 1
    assert (await stage.parts.store.of(Session).get(one.id)).ended == "disabled"


async def test_nobody_disables_himself(stage: Stage) -> None:
    """The last administrator can't lock himself out by mistake."""
    admin = await stage.parts.store.of(User).get("admin")
    with pytest.raises(Invalid, match="their own account"):
        await change(stage, same(admin, state="Disabled"))


async def test_profile_is_one_s_own(stage: Stage) -> None:
    """Without the right to manage users one changes e-mail, language, name, description and drops `uninitialized`."""
    bob = await stage.user("bob", annotations={UNINITIALIZED: "true"})
    kept = {k: v for k, v in bob.annotations.items() if k != UNINITIALIZED}
    wish = same(bob, email="b@new.io", lang="fr", display_name="Bob", description="me", annotations=kept)
    after = await change(stage, wish, by="bob", manager=False)
    assert (after.email, after.lang, after.display_name) == ("b@new.io", "fr", "Bob")
    assert UNINITIALIZED not in after.annotations


@pytest.mark.parametrize(
    "changes",
    [
        {"groups": ("admins",)},
        {"labels": {"iam.kubesphere.io/origin-uid": "7"}},
        {"annotations": {"iam.kubesphere.io/granted": "all"}},
        {"state": "Disabled"},
        {"global_role": "platform-admin"},
    ],
)
async def test_nobody_raises_himself(stage: Stage, changes: dict[str, Any]) -> None:
    """Groups, labels, other annotations, state and global role are no profile: refused, and nothing changes."""
    bob = await stage.user("bob")
    with pytest.raises(Denied):
        await change(stage, same(bob, **changes), by="bob", manager=False)
    assert await stage.parts.store.of(User).get("bob") == bob


async def test_nobody_changes_another(stage: Stage) -> None:
    """Without the right to manage users, another's profile is out of reach."""
    bob = await stage.user("bob")
    with pytest.raises(Denied):
        await change(stage, same(bob, lang="fr"), by="eve", manager=False)


async def test_another_global_role_replaces_the_first(stage: Stage) -> None:
    """The annotation names the role; the old binding goes, the new one comes, each told."""
    bob = await stage.user("bob")
    await change(stage, same(bob, global_role="platform-self-provisioner"))
    bindings = await stage.parts.store.of(GlobalRoleBinding).find(Find((Equal("members", "User:bob"),)))
    assert [b.role for b in bindings] == ["platform-self-provisioner"]
    unbound = [e for e in await stage.named("GlobalRoleUnbound") if e.subject.endswith("bob-platform-regular")]
    assert json.loads(unbound[0].data)["subjects"] == [{"kind": "User", "name": "bob", "namespace": ""}]


async def test_deleting_takes_all_that_hangs_on_him(stage: Stage) -> None:
    """Sessions end, bindings and records go, others keep theirs; a second account of the name starts from nothing."""
    await stage.user("bob")
    session = await sign_in(stage, "bob")
    wish = WorkspaceWish(name="ws1", manager="admin")
    at = stage.clock()
    await stage.do(workspaces.create_workspace, wish, uid=stage.parts.ids(), by="admin", at=at)
    invited = (Invitation("bob", "ws1-viewer"),)
    await stage.do(members.invite_members, "ws1", invited, uid=stage.parts.ids(), by="admin", at=at)
    await stage.do(users.delete_user, "bob", by="admin")
    store = stage.parts.store
    assert await store.of(User).look("bob") is None
    assert await store.of(Credential).look("bob") is None
    assert await store.of(LoginRecord).count(Find((Equal("user", "bob"),))) == 0
    assert await store.of(WorkspaceRoleBinding).count(Find((Equal("members", "User:bob"),))) == 0
    assert await store.of(GlobalRoleBinding).count(Find((Equal("members", "User:bob"),))) == 0
    assert (await store.of(Session).get(session.id)).ended == "deleted"
    names = [e.name for e in await stage.told()][-6:]
    assert {"SessionEnded", "WorkspaceRoleUnbound", "WorkspaceMemberRemoved", "GlobalRoleUnbound", "UserDeleted"} <= {
        *names
    }
    with pytest.raises(Missing):
        await stage.do(users.delete_user, "bob", by="admin")
    again = await stage.user("bob")
    assert again.last_login_at is None


async def test_another_password_ends_other_sessions(stage: Stage) -> None:
    """The session that changed it goes on; `proven` guards against two changes at once."""
    await stage.user("bob")
    mine, other = await sign_in(stage, "bob"), await sign_in(stage, "bob")
    old = (await stage.parts.store.of(Credential).get("bob")).hash
    hashed = await stage.parts.passwords.hash(Secret("N3wPassw0rd"))
    await stage.clock.advance(5)
    ask: dict[str, Any] = {"by": "bob", "session": mine.id, "at": stage.clock()}
    await stage.do(users.set_password, "bob", hashed, proven=old, **ask)
    assert not (await stage.parts.store.of(Session).get(mine.id)).ended
    assert (await stage.parts.store.of(Session).get(other.id)).ended == "password-changed"
    assert len(await stage.named("PasswordChanged")) == 1
    with pytest.raises(Invalid, match="incorrect old password"):
        await stage.do(users.set_password, "bob", hashed, proven=old, **ask)
    bob = await stage.parts.store.of(User).get("bob")
    assert bob.annotations[PASSWORD_CHANGED] == (stage.clock()).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert bob.created_at == stage.clock() - timedelta(seconds=5)
