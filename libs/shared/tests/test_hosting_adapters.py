"""Addresses to adapters: imported on demand, refused in one line."""

import pytest

from libs.shared.config import Address, Settings
from libs.shared.config.reader import read
from libs.shared.errors import Invalid
from libs.shared.hosting.adapters import adapter, vet


class Nothing(Settings):
    """No settings of its own."""


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ORRERY_BUS", "rabbit://x", "ORRERY_BUS: rabbit: names no adapter; accepted is embedded:"),
        ("ORRERY_BUS", "nats://x", "ORRERY_BUS: nats: is not built yet; accepted is embedded:"),
        ("ORRERY_STORE", "mongodb://x", "ORRERY_STORE: mongodb: is not built yet; accepted is sqlite:"),
        ("ORRERY_MAIL", "pigeon:", "ORRERY_MAIL: pigeon: names no adapter; accepted is outbox: or smtp: or smtps:"),
        ("ORRERY_ACCOUNTS_STORE", "file:x", "ORRERY_ACCOUNTS_STORE: file: names no adapter; accepted is sqlite:"),
    ],
)
def test_an_address_nobody_opens_is_refused_by_its_own_name(name: str, value: str, told: str) -> None:
    """The setting that is wrong is named, not the one it overrides, with what would be accepted."""
    with pytest.raises(Invalid) as caught:
        vet(read({"accounts": Nothing}, variables={name: value}))
    assert [flaw.text for flaw in caught.value.flaws] == [told]


def test_embedded_addresses_pass() -> None:
    """Every default is opened by something."""
    vet(read({"accounts": Nothing}, variables={}))


def test_asking_for_it_refuses_alike() -> None:
    """Who passes by the check is refused at opening."""
    with pytest.raises(Invalid, match="not built yet"):
        adapter("bus", "ORRERY_BUS", Address.parsed("kafka://x"))
