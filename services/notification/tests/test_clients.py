"""The mail server's adapter against a real server, and the folder that stands for one."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from libs.shared.errors import Busy, Invalid
from services.notification.clients.folder import Folder
from services.notification.clients.smtp import Smtp, Tls, server_of, trust_of
from services.notification.domain.address import mailbox_of
from services.notification.domain.letter import Letter, Refused, Unreachable
from services.notification.domain.message import composed
from services.notification.tests.mailserver import Authority, MailServer, make_authority
from services.notification.tests.test_domain import written

SENDER = "orrery@example.com"
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # the test server's own advice


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


def postman(address: str, ca: str = "", timeout: float = 5) -> Smtp:
    return Smtp(server_of(address), SENDER, timeout, trust_of(ca))


async def sent(address: str, ca: str = "", *, letter: Letter | None = None, patience: float = 5) -> None:
    letter = letter or written()
    async with postman(address, ca, patience).visit() as courier:
        await courier.deliver(composed(letter, mailbox_of(SENDER)), letter.to)


async def test_plain(server: MailServer) -> None:
    """Without TLS where the server offers none; one connection carries several letters."""
    async with postman(f"smtp://127.0.0.1:{server.port}").visit() as courier:
        for event in ("e1", "e2"):
            await courier.deliver(composed(written(event), mailbox_of(SENDER)), "bob@example.com")
    assert [letter["Message-ID"] for letter in server.letters] == [written("e1").message_id, written("e2").message_id]
    assert server.letters[0]["X-Envelope"] == f"{SENDER} -> bob@example.com"
    assert server.letters[0].get_content() == written().body.replace("\n", "\r\n")
    assert server.connections == 1


async def test_starttls_with_a_private_ca_and_auth(authority: Authority) -> None:
    """Encrypted before the password is sent, and verified against the CA of the setting."""
    with MailServer(tls=authority.server, password="s3cr:et/") as server:
        await sent(f"smtp://mailer:s3cr%3Aet%2F@127.0.0.1:{server.port}", str(authority.file))
        assert (len(server.letters), server.signed_in) == (1, ["mailer"])


async def test_smtps_with_auth(authority: Authority) -> None:
    """TLS from the first byte."""
    with MailServer(tls=authority.server, tls_first=True, password="secret") as server:
        await sent(f"smtps://mailer:secret@127.0.0.1:{server.port}", str(authority.file))
        assert len(server.letters) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_an_unknown_authority_is_not_trusted(authority: Authority, scheme: str) -> None:
    """A certificate that the CA bundle doesn't vouch for ends the attempt; the letter waits."""
    with MailServer(tls=authority.server, tls_first=scheme == "smtps") as server:
        with pytest.raises(Unreachable, match="no letter can be handed over"):
            await sent(f"{scheme}://127.0.0.1:{server.port}")
        assert server.letters == []


async def test_no_password_without_tls() -> None:
    """A server that offers no STARTTLS never sees a password, unless `starttls=never` says so."""
    with MailServer(password="secret") as server:
        with pytest.raises(Unreachable):
            await sent(f"smtp://mailer:secret@127.0.0.1:{server.port}")
        assert server.signed_in == []
        await sent(f"smtp://mailer:secret@127.0.0.1:{server.port}?starttls=never")
        assert server.signed_in == ["mailer"]


async def test_a_wrong_password_is_nobodys_letters_fault() -> None:
    """The server's 535 is for the operator to mend: the letter waits, and the error holds no password."""
    with MailServer(password="secret") as server:
        with pytest.raises(Unreachable) as told:
            await sent(f"smtp://mailer:wrong-word@127.0.0.1:{server.port}?starttls=never")
        assert "wrong-word" not in told.value.text
        assert server.letters == []


async def test_a_refused_recipient(server: MailServer) -> None:
    """5yz to the recipient is for good; the next letter goes through on the same connection."""
    server.next.recipients = ["550 5.1.1 no such user"]
    async with postman(f"smtp://127.0.0.1:{server.port}").visit() as courier:
        with pytest.raises(Refused, match=r"550 5\.1\.1 no such user"):
            await courier.deliver(composed(written("e1"), mailbox_of(SENDER)), "bob@example.com")
        await courier.deliver(composed(written("e2"), mailbox_of(SENDER)), "bob@example.com")
    assert [letter["Message-ID"] for letter in server.letters] == [written("e2").message_id]


async def test_a_refused_content(server: MailServer) -> None:
    """5yz to the content is for good too."""
    server.next.contents = ["554 5.7.1 looks like spam"]
    with pytest.raises(Refused, match="554"):
        await sent(f"smtp://127.0.0.1:{server.port}")


@pytest.mark.parametrize("command", ["recipients", "contents", "senders"])
async def test_not_now(server: MailServer, command: str) -> None:
    """4yz at any command is for later, and later it goes through."""
    setattr(server.next, command, ["451 4.7.1 greylisted"])
    with pytest.raises(Busy, match=r"451 4\.7\.1 greylisted"):
        await sent(f"smtp://127.0.0.1:{server.port}")
    await sent(f"smtp://127.0.0.1:{server.port}")
    assert len(server.letters) == 1


async def test_a_refused_sender_waits_for_the_operator(server: MailServer) -> None:
    """Our own setting is wrong, no letter is: none is given up for it."""
    server.next.senders = ["550 5.7.1 not you"]
    with pytest.raises(Busy, match="not you"):
        await sent(f"smtp://127.0.0.1:{server.port}")


async def test_an_answer_that_gets_lost(server: MailServer) -> None:
    """Accepted, but the connection breaks before we hear it: unknown, so again, under the same Message-ID."""
    server.next.contents = ["drop"]
    async with postman(f"smtp://127.0.0.1:{server.port}").visit() as courier:
        message = composed(written(), mailbox_of(SENDER))
        with pytest.raises(Busy, match="unknown"):
            await courier.deliver(message, "bob@example.com")
        await courier.deliver(message, "bob@example.com")
    assert [letter["Message-ID"] for letter in server.letters] == [written().message_id] * 2


async def test_a_server_that_stalls(server: MailServer) -> None:
    """No answer within the time limit is no acceptance."""
    server.next.contents = ["stall"]
    with pytest.raises(Busy, match="unknown"):
        await sent(f"smtp://127.0.0.1:{server.port}", patience=0.2)


async def test_a_server_that_never_greets() -> None:
    """A connection that nobody speaks on ends after the time limit."""
    with MailServer(fall_silent=True) as server, pytest.raises(Unreachable):
        await sent(f"smtp://127.0.0.1:{server.port}", patience=0.2)


async def test_nobody_listens() -> None:
    """Refused connections are for later."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
            await sent(f"smtp://127.0.0.1:{taken.getsockname()[1]}")


@pytest.mark.parametrize(
    ("address", "port", "tls"),
    [
        ("smtp://mail.example.com", 25, Tls.OFFERED),
        ("smtp://me:pw@mail.example.com", 587, Tls.ALWAYS),
        ("smtp://mail.example.com:2525?starttls=never", 2525, Tls.NEVER),
        ("smtp://mail.example.com?starttls=always", 25, Tls.ALWAYS),
        ("smtps://me:pw@mail.example.com", 465, Tls.FIRST),
    ],
)
def test_addresses(address: str, port: int, tls: Tls) -> None:
    """Port and encryption where the address is silent."""
    assert (server_of(address).port, server_of(address).tls) == (port, tls)


@pytest.mark.parametrize(
    "address",
    ["smtp://", "smtp://h:99999", "smtp://h?starttls=maybe", "smtp://h?x=y", "smtps://h?starttls=never", "smtp://h/x",
     "smtp://u:hunter2@:25", "smtp://h?starttls"],
)  # fmt: skip
def test_bad_addresses(address: str) -> None:
    """Refused in one line with the setting, its value and what is accepted; a password in it isn't repeated."""
    with pytest.raises(Invalid, match=r"^ORRERY_MAIL: 'smtps?://.*' names no mail server: .* is accepted$") as told:
        server_of(address)
    assert "hunter2" not in str(told.value)


def test_a_ca_that_is_none(tmp_path: Path) -> None:
    """Refused at start, with the setting's name."""
    (tmp_path / "ca.pem").write_text("nonsense")
    for path in (tmp_path / "ca.pem", tmp_path / "absent.pem"):
        with pytest.raises(Invalid, match="ORRERY_NOTIFICATION_CA"):
            trust_of(str(path))


async def test_the_folder_keeps_one_file_a_letter(tmp_path: Path) -> None:
    """Private files with the whole message; delivered again, it is the same file; no draft is left."""
    folder = Folder(tmp_path / "data" / "mail")
    message = composed(written(), mailbox_of(SENDER))
    for _ in range(2):
        async with folder.visit() as courier:
            await courier.deliver(message, "bob@example.com")
    (file,) = (tmp_path / "data" / "mail").iterdir()
    assert file.read_bytes() == message.as_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """The letter waits, with the reason."""
    (tmp_path / "mail").write_text("a file stands in the way")
    with pytest.raises(Unreachable, match="can't be written"):
        async with Folder(tmp_path / "mail").visit() as courier:
            await courier.deliver(composed(written(), mailbox_of(SENDER)), "bob@example.com")
    with pytest.raises(Unreachable, match="can't be changed"):
        await Folder(tmp_path / "mail").forget(["some"])
