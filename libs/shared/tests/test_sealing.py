"""Secrets at rest: only with their key, and only where they belong."""

from pathlib import Path

import pytest

from libs.shared.errors import Broken
from libs.shared.sealing import FILE, VERSION, sealer_of
from libs.shared.values import Secret


def test_what_was_sealed_is_opened_by_the_next_start(tmp_path: Path) -> None:
    """The key is found again, nobody else may read it, and the text tells nothing: the same secret seals otherwise."""
    one, other = (sealer_of(tmp_path / "x").seal(Secret("hunter2 ü"), "receivers/mail") for _ in range(2))
    assert one != other
    assert one.startswith(VERSION)
    assert "hunter2" not in one
    assert sealer_of(tmp_path / "x").unseal(one, "receivers/mail") == Secret("hunter2 ü")
    assert (tmp_path / "x" / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("change", ["", "s1.", "s1.AAAA", "s1.é", "s2.{}", "{}x", "{}=="])
def test_changed_text_is_refused(tmp_path: Path, change: str) -> None:
    """Nothing is opened that isn't exactly what was sealed."""
    sealed = sealer_of(tmp_path).seal(Secret("hunter2"), "a")
    text = change.format(sealed[len(VERSION) :] if change.startswith("s2") else sealed[:-3])
    with pytest.raises(Broken, match="secret of a"):
        sealer_of(tmp_path).unseal(text, "a")


def test_neither_elsewhere_nor_with_another_key(tmp_path: Path) -> None:
    """Moved to another owner, or to another installation, it stays closed."""
    sealed = sealer_of(tmp_path / "x").seal(Secret("hunter2"), "bob/token")
    with pytest.raises(Broken):
        sealer_of(tmp_path / "x").unseal(sealed, "eve/token")
    with pytest.raises(Broken):
        sealer_of(tmp_path / "y").unseal(sealed, "bob/token")


def test_a_key_that_is_none_is_named(tmp_path: Path) -> None:
    """An operator is told which file is wrong."""
    (tmp_path / FILE).write_bytes(b"short")
    with pytest.raises(Broken, match=FILE):
        sealer_of(tmp_path)
