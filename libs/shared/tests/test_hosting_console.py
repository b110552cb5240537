"""What a person sees at a start: progress, addresses, the password once, commands that can be pasted."""

import io
import shlex
from pathlib import Path

from libs.shared.config import Suite
from libs.shared.hosting.admin import first_password, shown
from libs.shared.hosting.console import Console
from libs.shared.hosting.folder import Folder
from libs.shared.values import Secret


def said(*, coloured: bool = False) -> str:
    stream = io.StringIO()
    console = Console(stream, coloured=coloured)
    console.starting(["accounts", "gateway"], "var")
    console.opened("accounts", 0.123)
    console.answering(["http://127.0.0.1:8080", "https://127.0.0.1:8443"], 1.0, "var/tls/ca.pem")
    console.password("pass-word")
    console.next("http://127.0.0.1:8080", "pass-word")
    console.ending()
    return stream.getvalue()


def test_plain_where_nobody_sees_colours() -> None:
    """A file gets no escape sequences; a terminal gets some."""
    assert "\x1b" not in said()
    assert "\x1b[" in said(coloured=True)


def test_three_commands_to_paste() -> None:
    """Each is one line that a shell can read, and begins with what it does."""
    lines = said().partition("Next, in another shell:\n")[2].partition("Ctrl-C")[0].splitlines()
    assert [shlex.split(line)[0].partition("=")[0] for line in lines] == ["TOKEN", "curl", "curl"]


def test_a_made_password_is_the_same_until_it_was_shown(tmp_path: Path) -> None:
    """A first start that was cut off doesn't leave `admin` with a password that nobody has seen."""
    folder = Folder.opened(tmp_path)
    first = first_password(Suite(), folder)
    assert first.made
    assert first.to_show == first_password(Suite(), folder).to_show != ""
    shown(folder)
    assert first_password(Suite(), folder).password is None
    assert first.to_show not in "".join(p.read_text() for p in (tmp_path / "keys").iterdir())


def test_a_given_password_is_never_shown(tmp_path: Path) -> None:
    """Who gave it knows it."""
    first = first_password(Suite(admin_password=Secret("s3cret")), Folder.opened(tmp_path))
    assert first.password == Secret("s3cret")
    assert first.to_show == ""
