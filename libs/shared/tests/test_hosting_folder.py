"""The data folder: private, held by one process a service, sockets that fit, leftovers cleaned."""

import os
import socket
import stat
from pathlib import Path

import pytest

from libs.shared.errors import Broken, Conflict, Invalid
from libs.shared.hosting.folder import LONGEST_SOCKET_PATH, Folder, free_socket


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_is_private(tmp_path: Path) -> None:
    """Made with its parents at mode 0700, and an open one is closed to others."""
    assert mode(Folder.opened(tmp_path / "a" / "b").path) == 0o700
    (tmp_path / "c").mkdir(mode=0o755)
    assert mode(Folder.opened(tmp_path / "c").path) == 0o700
    assert mode(Folder(tmp_path / "c").within("keys")) == 0o700


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    """One line that names the setting and the path."""
    (tmp_path / "var").write_text("")
    with pytest.raises(Invalid, match=r"ORRERY_DATA: .*/var can't be used"):
        Folder.opened(tmp_path / "var")


def test_a_second_holder_is_refused_by_name_and_process(tmp_path: Path) -> None:
    """A second process on the same folder learns who is there and what to do."""
    told = rf"accounts runs already on .* \(process {os.getpid()}\).*ORRERY_DATA"
    with Folder.opened(tmp_path).claimed("accounts"):
        with pytest.raises(Conflict, match=told), Folder.opened(tmp_path).claimed("accounts"):
            pass
        with Folder.opened(tmp_path).claimed("events"):
            pass  # another service of the same suite may be another process


def test_a_claim_leaves_nothing(tmp_path: Path) -> None:
    """After the end neither lock nor run folder stands, and it can be claimed again."""
    folder = Folder.opened(tmp_path / "var")
    for _ in range(2):
        with folder.claimed("accounts"):
            assert list((folder.path / "run").iterdir())
        folder.tidy()
        assert list(folder.path.iterdir()) == []


def test_a_dead_holders_lock_is_taken_over(tmp_path: Path) -> None:
    """The file of a killed process holds nobody up: the lock died with it."""
    folder = Folder.opened(tmp_path)
    (folder.within("run") / "accounts.lock").write_text("4242\n")
    with folder.claimed("accounts"):
        assert (folder.path / "run" / "accounts.lock").read_text() == f"{os.getpid()}\n"


def test_a_deep_folder_gets_a_short_socket(tmp_path: Path) -> None:
    """A path beyond the system's limit is replaced by the same short private one for every process."""
    deep = Folder.opened(tmp_path / ("d" * 120))
    path = deep.socket("accounts")
    assert len(os.fsencode(path)) <= LONGEST_SOCKET_PATH
    assert path == Folder(deep.path).socket("accounts")
    assert path != Folder(tmp_path / ("e" * 120)).socket("accounts")
    assert mode(path.parent) == 0o700
    deep.tidy()
    Folder(tmp_path / ("e" * 120)).tidy()
    assert not path.parent.exists()


def test_a_short_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    """A folder that somebody else prepared for us is not trusted."""
    deep = Folder.opened(tmp_path / ("d" * 120))
    place = deep.socket("accounts").parent
    place.chmod(0o755)
    with pytest.raises(Broken, match="only this user"):
        deep.socket("accounts")
    place.rmdir()


def test_a_killed_processes_socket_is_removed(tmp_path: Path) -> None:
    """A socket that nobody listens on any more doesn't stop the next start; one in use does; a file is not touched."""
    path = tmp_path / "a.sock"
    free_socket(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        with pytest.raises(Broken, match="another process listens"):
            free_socket(path)
    free_socket(path)
    assert not path.exists()
    path.write_text("precious")
    with pytest.raises(Broken, match="something else"):
        free_socket(path)
    assert path.read_text() == "precious"
