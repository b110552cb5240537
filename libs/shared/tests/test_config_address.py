"""Addresses and endpoints: what parses, what shows."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.shared.config import Address, Endpoint


def test_address_hides_its_password() -> None:
    """`str` and `repr` are for people and logs; `reveal` is for the adapter."""
    address = Address.parsed("smtp://me:hunter2@mail.example:587")
    assert "hunter2" not in f"{address} {address!r}"
    assert address.reveal() == "smtp://me:hunter2@mail.example:587"


def test_path_of_an_address() -> None:
    """`sqlite:` leaves the place to hosting, `sqlite:PATH` names it."""
    assert Address.parsed("sqlite:").path is None
    assert Address.parsed("sqlite:/a/b.db").path == Path("/a/b.db")


@given(st.text())
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    """Nothing else escapes, and what parses is given back whole."""
    try:
        address = Address.parsed(text)
    except ValueError:
        return
    assert address.reveal() == text.strip()


@pytest.mark.parametrize("text", ["127.0.0.1:8080", "localhost:0", "[::1]:443", "0.0.0.0:1", "unix:/run/a.sock"])
def test_endpoint_round_trip(text: str) -> None:
    """What is written is what is shown."""
    assert str(Endpoint.parsed(text)) == text


@pytest.mark.parametrize(
    "text", ["", "8080", "host", "host:", "host:-1", "host:x", "host:65536", "::1:80", "unix:", "h:²"]
)
def test_no_endpoint(text: str) -> None:
    """Each is refused saying what is accepted."""
    with pytest.raises(ValueError, match="host:port"):
        Endpoint.parsed(text)


@pytest.mark.parametrize(
    ("text", "loopback"),
    [("127.0.0.1:1", True), ("[::1]:1", True), ("unix:/a", True), ("0.0.0.0:1", False), (":1", False)],
)
def test_loopback(text: str, loopback: bool) -> None:
    """Who else can reach it decides what is offered there."""
    assert Endpoint.parsed(text).loopback is loopback
