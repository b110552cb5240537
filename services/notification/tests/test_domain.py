"""Letters and addresses: decisions alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.shared.errors import Conflict, Invalid
from services.notification.domain import letter as letters
from services.notification.domain.address import forgotten, is_address, known, mailbox_of
from services.notification.domain.letter import Letter, Patience, Reason, State
from services.notification.domain.message import composed
from services.notification.domain.texts import LANGUAGES, Occasion, worded

AT = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
BOB = known("bob", "bob@example.com", "en", AT)
SENDER = mailbox_of("Orrery <orrery@example.com>")
PATIENCE = Patience(first=10, most=100, give_up=1000)
INVITATION = {"workspace": "ws1", "role": "ws1-viewer", "by": "admin"}


def written(event: str = "e1", words: dict[str, str] | None = None, lang: str = "en") -> Letter:
    return letters.write(
        Occasion.INVITED, known("bob", "bob@example.com", lang, AT), words or INVITATION, Reason(event), AT
    )[0]


def test_a_letter_is_named_by_event_and_user() -> None:
    """The same event and user give the same Message-ID, however often and at whatever address; others another."""
    moved = known("bob", "robert@example.org", "en", AT)
    again, _ = letters.write(Occasion.INVITED, moved, INVITATION, Reason("e1"), AT + timedelta(days=1))
    assert again.message_id == written().message_id
    assert again.id == written().id
    carol, _ = letters.write(Occasion.INVITED, known("carol", "c@example.com", "", AT), INVITATION, Reason("e1"), AT)
    assert len({written().message_id, written("e2").message_id, carol.message_id}) == 3


def test_message_id_outlives_everything() -> None:
    """No decision changes id or Message-ID."""
    begun = letters.begin(written())
    lost, _ = letters.refuse(begun, "no", AT)
    outcomes = [
        begun,
        letters.resume(begun, AT),
        letters.accept(begun, AT)[0],
        letters.put_off(begun, "later", AT, PATIENCE)[0],
        lost,
        letters.resend(lost, known("bob", "new@example.com", "", AT), AT)[0],
    ]
    assert {(one.id, one.message_id) for one in outcomes} == {(begun.id, begun.message_id)}
    assert outcomes[-1].to == "new@example.com"


def test_pauses_double_within_bounds_and_spread() -> None:
    """Each pause lies between half and the whole of one that doubles up to the most, and letters differ."""
    letter, wholes = written(), [10, 20, 40, 80, 100, 100]
    for whole in wholes:
        letter = letters.begin(letter)
        assert whole / 2 <= letters.pause(letter, PATIENCE) <= whole
    assert len({letters.pause(letters.begin(written(f"e{n}")), PATIENCE) for n in range(20)}) == 20
    many = letter.model_copy(update={"attempts": 10**6})
    assert letters.pause(many, PATIENCE) <= 100


def test_patience_ends() -> None:
    """A letter is put off until the next attempt would come after the set time; then it is given up, and that told."""
    begun = letters.begin(written())
    later, none = letters.put_off(begun, "x" * 1000, AT, PATIENCE)
    assert (later.state, none, len(later.last_error)) == (State.QUEUED, None, letters.LONGEST_REASON)
    assert later.due_at > AT
    lost, told = letters.put_off(begun, "busy", AT + timedelta(seconds=999), PATIENCE)
    assert lost.state is State.UNDELIVERABLE
    assert told is not None
    assert (told.letter, told.reason, told.attempts) == (lost.id, "expired", 1)


def test_resend_starts_patience_anew() -> None:
    """Only what was given up is sent again; its time runs from then on; a user without an address gets none."""
    lost, _ = letters.refuse(letters.begin(written()), "no", AT)
    later = AT + timedelta(days=30)
    again, told = letters.resend(lost, BOB, later)
    assert (again.state, again.since, told.message_id) == (State.QUEUED, later, lost.message_id)
    assert letters.put_off(letters.begin(again), "x", later, PATIENCE)[1] is None
    with pytest.raises(Conflict, match="only an undeliverable"):
        letters.resend(written(), BOB, AT)
    with pytest.raises(Conflict, match="no address"):
        letters.resend(lost, forgotten("bob", AT), AT)


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_name_can_add_a_header_or_a_line(workspace: str, by: str) -> None:
    """Whatever a workspace or a user is called, the message has exactly the headers that it has otherwise."""
    letter = written(words={"workspace": workspace, "role": by, "by": by})
    parsed = message_from_bytes(composed(letter, SENDER).as_bytes(), policy=policy.default)
    assert parsed.keys() == composed(written(), SENDER).keys()
    assert "\n" not in str(parsed["Subject"])
    assert str(parsed["To"]) == "bob@example.com"


def test_a_message_is_the_same_at_each_attempt() -> None:
    """Byte for byte, date included: receivers that drop doubles can."""
    later = letters.begin(letters.resume(letters.begin(written()), AT + timedelta(hours=1)))
    assert composed(later, SENDER).as_bytes() == composed(written(), SENDER).as_bytes()


def test_a_message_says_whom_when_and_why() -> None:
    """Headers, and a body in UTF-8 that arrives as it was written."""
    message = message_from_bytes(composed(written(lang="zh-CN"), SENDER).as_bytes(), policy=policy.default)
    assert str(message["From"]) == "Orrery <orrery@example.com>"
    assert message["Date"].datetime == AT.replace(microsecond=0)
    assert message["Message-ID"] == written().message_id
    assert message["Auto-Submitted"] == "auto-generated"
    assert str(message["Subject"]) == "您已被邀请加入企业空间 ws1"
    assert message.get_content().splitlines() == written(lang="zh").body.splitlines()


@pytest.mark.parametrize("lang", ["", "en", "en-GB", "fr", "../x"])
def test_english_stands_in(lang: str) -> None:
    """A language that nothing is written in gets English."""
    assert worded(Occasion.WELCOME, lang, {"user": "bob"})[0] == "Welcome, bob"


def test_each_language_has_each_occasion() -> None:
    """No text is missing, and each names the user."""
    words = {"user": "bob", "workspace": "ws1", "role": "r", "by": "admin"}
    for lang in LANGUAGES:
        for occasion in set(Occasion) - {Occasion.ALERT}:
            subject, body = worded(occasion, lang, words)
            assert "bob" in body
            assert subject
            assert "{" not in subject + body


@pytest.mark.parametrize(
    "text", ["", "bob", "bob@", "@x.org", "a b@x.org", "bob@x.org\r\nBcc: eve@x.org", "bob@x,eve@x.org", "<b@x.org>",
             "b@-x.org", "b@x..org", 'b"@x.org', "b@" + "x" * 300, "b@x.org\n"],
)  # fmt: skip
def test_what_is_no_address_gets_no_letter(text: str) -> None:
    """Anything but one plain mailbox counts as none."""
    assert not is_address(text)
    assert known("bob", text, "", AT).email == ""


@pytest.mark.parametrize("text", ["bob@example.com", "b.o+b@localhost", "bob@xn--mnchen-3ya.de", "jürgen@münchen.de"])
def test_what_is_an_address(text: str) -> None:
    """One plain mailbox, letters beyond ASCII included."""
    assert is_address(text)


@pytest.mark.parametrize("text", ["", "Orrery", "Orrery <x>", "A\r\nB <a@b.org>"])
def test_a_sender_is_an_address(text: str) -> None:
    """A setting that is none is refused at start."""
    with pytest.raises(Invalid, match="is accepted"):
        mailbox_of(text)
