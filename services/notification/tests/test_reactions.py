"""Accounts' events -> addresses and letters, each delivered twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.shared.contracts.accounts_v1 import (
    UserChanged,
    UserCreated,
    UserDeleted,
    UserDisabled,
    WorkspaceMemberInvited,
)
from libs.shared.errors import Missing
from libs.shared.event import Event
from services.notification.domain.address import Address
from services.notification.parts import Parts
from services.notification.tests.stage import TRACE, letters, opened, outbox, told

BOB = UserCreated(user="bob", email="bob@example.com", lang="en", by="admin")
INVITED = WorkspaceMemberInvited(workspace="ws1", user="bob", role="ws1-viewer", by="admin")


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with opened(tmp_path) as made:
        yield made


@pytest.mark.parametrize("inbox", [True, False])
async def test_each_event_queues_one_letter(parts: Parts, inbox: bool) -> None:
    """Delivered twice, and even if the inbox had forgotten, each letter is there and was told once."""
    events: list[Event] = [BOB, INVITED, UserDisabled(user="bob", email="bob@example.com", by="admin")]
    for number, event in enumerate(events):
        for _ in range(2):
            await told(parts, event, f"e{number}", inbox=inbox)
    found = await letters(parts)
    assert sorted((one.occasion, one.to) for one in found) == [
        ("disabled", "bob@example.com"),
        ("invited", "bob@example.com"),
        ("welcome", "bob@example.com"),
    ]
    assert await outbox(parts) == ["LetterQueued"] * 3
    assert {one.traceparent for one in found} == {TRACE}


async def test_letters_say_what_happened_and_no_more(parts: Parts) -> None:
    """The welcome names the user, the invitation the workspace; events about them hold no address and no workspace."""
    await told(parts, BOB, "e1")
    await told(parts, INVITED, "e2")
    subjects = {one.occasion.value: one.subject for one in await letters(parts)}
    assert subjects == {"welcome": "Welcome, bob", "invited": "You were invited to workspace ws1"}
    for row in await parts.store.outbox.waiting(10):
        assert "@example.com" not in row.envelope.data
        assert (row.envelope.workspace, row.envelope.correlationid) == ("", "chain")


async def test_an_unknown_user_is_waited_for(parts: Parts) -> None:
    """An invitation that overtakes the account is tried again, and works once the account is known."""
    with pytest.raises(Missing, match="bob is not known yet"):
        await told(parts, INVITED, "e1")
    assert await letters(parts) == []
    await told(parts, BOB, "e0")
    await told(parts, INVITED, "e1")
    assert {one.occasion.value for one in await letters(parts)} == {"welcome", "invited"}


async def test_letters_follow_the_address(parts: Parts) -> None:
    """After a change, letters go to the new address; a changed language changes the text."""
    await told(parts, BOB, "e1")
    change = UserChanged(user="bob", email="bob@example.org", lang="zh")
    for _ in range(2):
        await told(parts, change, "e2")
    await told(parts, INVITED, "e3")
    (invitation,) = [one for one in await letters(parts) if one.occasion == "invited"]
    assert (invitation.to, "企业空间" in invitation.subject) == ("bob@example.org", True)


async def test_no_address_no_letter(parts: Parts) -> None:
    """Users without a usable address get none, and the event counts as handled."""
    for number, email in enumerate(("", "none", "a@b.org\nBcc: eve@x.org")):
        await told(parts, BOB.model_copy(update={"user": f"u{number}", "email": email}), f"e{number}")
    assert await letters(parts) == []


async def test_a_deleted_user_gets_nothing_more(parts: Parts) -> None:
    """His address is erased; a late letter to him is dropped rather than waited for."""
    await told(parts, BOB, "e1")
    for _ in range(2):
        await told(parts, UserDeleted(user="bob"), "e2")
    kept = await parts.store.of(Address).get("bob")
    assert (kept.email, kept.gone) == ("", True)
    await told(parts, INVITED, "e3")
    assert [one.occasion.value for one in await letters(parts)] == ["welcome"]
    await told(parts, BOB.model_copy(update={"email": "bob@new.example.com"}), "e4")
    assert [one.to for one in await letters(parts)] == ["bob@example.com", "bob@new.example.com"]


async def test_the_platforms_own_accounts_get_no_welcome(parts: Parts) -> None:
    """Accounts that the platform makes at its first start were made by nobody who could want a letter sent."""
    await told(parts, UserCreated(user="admin", email="admin@example.com", by="system:accounts"), "e1")
    assert await letters(parts) == []
    assert (await parts.store.of(Address).get("admin")).email == "admin@example.com"
