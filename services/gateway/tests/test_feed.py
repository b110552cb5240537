"""Events into the index: newer wins, deletions last, and who is told to be concerned."""

from __future__ import annotations

from datetime import timedelta

import pytest

from libs.shared.contracts import accounts_v1 as accounts
from libs.shared.errors import Busy
from services.gateway.domain.changes import apply
from services.gateway.domain.decision import allowed
from services.gateway.domain.effect import EVERYBODY, NOTHING, Effect
from services.gateway.domain.feed import CHANGES
from services.gateway.domain.index import Index
from services.gateway.domain.shelf import ACCOUNTS, GONE_KEPT, Thing
from services.gateway.domain.sources import Sources
from services.gateway.tests.seeds import AT, asked, bound, caller, index

ROLES = asked("GET", "/kapis/iam.kubesphere.io/v1alpha2/workspaces/a/workspaceroles")


def _unbound(version_of: Index, version: int) -> Effect:
    event = accounts.WorkspaceRoleUnbound(binding="view-a-viewer", workspace="a", role="a-viewer")
    return apply(version_of, event, version, AT)


def test_a_removed_binding_grants_nothing_and_names_whom_it_bound() -> None:
    """One event changes the next decision, and says whose open streams are to be looked at."""
    known = index()
    assert allowed(known, caller("view"), ROLES)
    assert _unbound(known, 2) == Effect(users=frozenset({"view"}))
    assert not allowed(known, caller("view"), ROLES)


def test_an_older_event_changes_nothing() -> None:
    """What a snapshot told newer is not undone by an event that the tail brings later."""
    known = index()
    apply(known, accounts.UserCreated(user="out", state="Disabled"), 9, AT)
    assert apply(known, accounts.UserEnabled(user="out"), 8, AT) == NOTHING
    assert not known.users["out"].active


def test_a_deleted_thing_does_not_come_back() -> None:
    """An event of the removal's own version, or an older one, cannot bring a binding back; a newer one can."""
    known = index()
    _unbound(known, 2)
    for version in (1, 2):
        apply(known, bound("view", "a-viewer", "a"), version, AT)
        assert not allowed(known, caller("view"), ROLES)
    apply(known, bound("view", "a-viewer", "a"), 3, AT)
    assert allowed(known, caller("view"), ROLES)


def test_removals_are_not_remembered_for_ever() -> None:
    """However much is made and removed, a bounded number of removals is remembered: the latest."""
    known = Index()
    for number in range(GONE_KEPT + 10):
        assert known.gone(Thing("user", number), 1)
    assert len(known.shelves[ACCOUNTS].removals) == len(known.shelves[ACCOUNTS].versions) == GONE_KEPT
    assert not known.newer(Thing("user", GONE_KEPT), 1), "a late one is still told from a new one"


def test_a_rewritten_binding_concerns_old_and_new_subjects() -> None:
    """Whoever was bound before, and whoever is bound now, may hold open streams."""
    known = index()
    subjects = (accounts.Subject(kind="User", name="out"),)
    event = accounts.WorkspaceRoleBound(binding="view-a-viewer", workspace="a", role="a-viewer", subjects=subjects)
    assert apply(known, event, 2, AT).users == {"view", "out"}
    assert allowed(known, caller("out"), ROLES)
    assert not allowed(known, caller("view"), ROLES)


def test_a_group_binding_concerns_everybody() -> None:
    """Who is in a group is each account's own matter, so everybody's streams are looked at."""
    subjects = (accounts.Subject(kind="Group", name="team"),)
    event = accounts.WorkspaceRoleBound(binding="t", workspace="a", role="a-viewer", subjects=subjects)
    assert apply(index(), event, 1, AT) == EVERYBODY


@pytest.mark.parametrize("event", [accounts.UserDisabled(user="out"), accounts.UserDeleted(user="out")])
def test_a_closed_account_is_cut_off(event: accounts.UserDisabled | accounts.UserDeleted) -> None:
    """Disabling and deleting cut open streams and remembered passwords of that account alone."""
    known, names = index(), frozenset({"out"})
    assert apply(known, event, 2, AT) == Effect(passwords=names, cut_users=names)
    user = known.users.get("out")
    assert user is None or not user.active


def test_a_lock_ends_nothing_that_is_signed_in() -> None:
    """Failed sign-ins of somebody else must not throw an account out: the index does not even listen."""
    assert accounts.UserLocked not in CHANGES
    known = index()
    apply(known, accounts.UserChanged(user="out", state="AuthLimitExceeded"), 2, AT)
    assert known.users["out"].active


def test_ended_sessions_are_remembered_until_their_tokens_expire() -> None:
    """Memory for ended sessions is bounded by the life of tokens."""
    known = index()
    for i in range(255):
        apply(known, accounts.SessionEnded(session=f"s{i}", expires_at=AT), 1, AT)
    later = AT + timedelta(hours=1)
    effect = apply(known, accounts.SessionEnded(session="s", user="out", expires_at=later), 1, later)
    assert effect.cut_sessions == {"s"}
    assert set(known.ended) == {"s"}


def test_a_changed_role_counts_at_once() -> None:
    """A role's new rules replace the old ones for all who hold it."""
    known = index()
    event = accounts.WorkspaceRoleChanged(role="a-viewer", workspace="a", rules=())
    assert apply(known, event, 2, AT) == EVERYBODY
    assert not allowed(known, caller("view"), ROLES)
    apply(known, accounts.WorkspaceRoleDeleted(role="a-admin", workspace="a"), 2, AT)
    assert not allowed(known, caller("adm"), ROLES)


def test_a_source_is_fresh_only_with_snapshot_and_beats() -> None:
    """Without a snapshot, or after five silent seconds, decisions that rest on the source are closed."""
    sources = Sources(silence=5)
    with pytest.raises(Busy):
        sources.require("accounts", 0)
    sources.hear("accounts", 0)
    assert not sources.fresh("accounts", 0)
    sources.load("accounts")
    sources.require("accounts", 5)
    with pytest.raises(Busy) as refused:
        sources.require("accounts", 5.1)
    assert refused.value.retry_after
    sources.hear("accounts", 6)
    sources.require("accounts", 7)
