"""Which addresses are vetted, however they are written."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.shared.egress.allow import Allow
from libs.shared.egress.client import Egress
from libs.shared.egress.networks import is_public, never
from libs.shared.egress.target import Target
from libs.shared.errors import Denied, Invalid, Missing

NONE = Allow()
PUBLIC = ("1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450:4001::1")
PRIVATE = (
    "0.0.0.0",  # noqa: S104  # refused, not bound
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "2001:0:4136:e378::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:a00:1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "4000::1",
)


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_pass(text: str) -> None:
    """What everybody can reach, we reach."""
    assert NONE.admits("a.example", ip_address(text), 443)


@pytest.mark.parametrize("text", PRIVATE)
def test_all_others_are_refused(text: str) -> None:
    """Private, special, embedding and metadata addresses, and what IANA has not given out."""
    assert not is_public(ip_address(text))
    assert not NONE.admits("a.example", ip_address(text), 443)


@given(st.ip_addresses(v=4))
def test_no_disguise_of_any_ipv4_address_passes(inner: object) -> None:
    """Every IPv6 form that holds an IPv4 address is refused, whatever is allowed."""
    number = int(inner)  # type: ignore[call-overload]  # hypothesis gives IPv4Address
    everything = Allow.parsed(["0.0.0.0/0", "::/0"])
    forms = (number, 0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80 | 1)
    for form in forms:
        ip = ip_address(form.to_bytes(16, "big"))
        assert str(ip) == "::1" or (never(ip) and not everything.admits("a.example", ip, 443))


def test_an_operator_admits_networks_hosts_and_ports() -> None:
    """Each kind of entry admits what it names, and nothing beside it."""
    allow = Allow.parsed(["10.1.0.0/16", "Mail.Internal.", "db.internal:5432", "[::1]:8080", "192.168.0.7", " "])
    for host, ip, port in (
        ("any.example", "10.1.2.3", 80),
        ("mail.internal", "192.168.9.9", 25),
        ("db.internal", "172.16.0.1", 5432),
        ("any.example", "::1", 8080),
        ("any.example", "192.168.0.7", 1),
    ):
        assert allow.admits(host, ip_address(ip), port), host
    for host, ip, port in (
        ("any.example", "10.2.0.1", 80),
        ("x.mail.internal", "192.168.9.9", 25),
        ("db.internal", "172.16.0.1", 5433),
        ("any.example", "::1", 8081),
        ("mail.internal", "0.0.0.0", 25),  # noqa: S104  # refused, not bound
        ("mail.internal", "::ffff:192.168.9.9", 25),
    ):
        assert not allow.admits(host, ip_address(ip), port), (host, ip)


def test_metadata_has_to_be_named_itself() -> None:
    """A network around it isn't enough: nobody means to hand out the machine's credentials."""
    metadata = ip_address("169.254.169.254")
    assert not Allow.parsed(["169.254.0.0/16", "0.0.0.0/0"]).admits("m.example", metadata, 80)
    assert Allow.parsed(["169.254.169.254"]).admits("m.example", metadata, 80)
    assert Allow.parsed(["m.example:80"]).admits("m.example", metadata, 80)


@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.1/8",
        "10.0.0.0/33",
        "host:0",
        "host:65536",
        "host:http",
        "http://host",
        "ho st",
        "-a",
        "a..b",
        "::1:80x",
        "1.2.3",
        "*",
    ],
)
def test_a_wrong_entry_is_named(entry: str) -> None:
    """The error says which setting, which entry and what is accepted."""
    with pytest.raises(Invalid, match=r"ORRERY_EGRESS_ALLOW.*should be a network"):
        Allow.parsed(["10.0.0.0/8", entry])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "localhost",
        "LOCALHOST.",
        "::1",
        "::ffff:127.0.0.1",
    ],
)
async def test_loopback_however_it_is_written(host: str) -> None:
    """Short, decimal, hexadecimal and octal forms come out of the resolver as what they are."""
    with pytest.raises((Denied, Missing)):  # where a system takes a form for a name, nobody answers to it
        await Egress(NONE).vetted(host, 80)


async def test_one_private_address_refuses_the_host() -> None:
    """A name with a public and a private address isn't dialled at all, and the refusal tells no address."""

    async def both(host: str) -> Sequence[str]:
        return ["1.1.1.1", "10.0.0.1"]

    with pytest.raises(Denied) as refusal:
        await Egress(NONE, both).vetted("two.example", 443)
    assert "10.0.0.1" not in refusal.value.text


@pytest.mark.parametrize("answer", [[], ["nonsense"], [f"1.1.1.{n}" for n in range(1, 40)]])
async def test_a_resolver_that_talks_nonsense(answer: list[str]) -> None:
    """No address, no address at all, and too many of them are refused."""

    async def resolve(host: str) -> Sequence[str]:
        return answer

    with pytest.raises((Denied, Missing)):
        await Egress(NONE, resolve).vetted("odd.example", 443)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "file:///etc/passwd",
        "gopher://a.example/",
        "//a.example/",
        "http://",
        "http:///x",
        "http://a.example:99999/",
        "http://a.example:http/",
        "http://a.example\\@127.0.0.1/",
        "http://a.example/ x",
        "http://a.example/\r\nHost: b",
        "http://a.example/\t",
        "http://user:pw@a.example/",
        "http://a.example@127.0.0.1/",
        "http://[::1",
        "http://a.example/" + "x" * 9000,
        "",
    ],
)
def test_a_url_that_can_be_read_in_two_ways_is_not_read(url: str) -> None:
    """Other schemes, credentials inside, backslashes, blanks, control characters: refused, and none of it repeated."""
    with pytest.raises(Invalid) as refusal:
        Target.parsed(url)
    assert "pw" not in refusal.value.text


def test_what_a_url_says() -> None:
    """Host in lower case and without its last dot, the scheme's own port, no fragment."""
    target = Target.parsed("HTTPS://A.Example.:8443/p?q=1#f")
    assert (target.host, target.port, str(target.url).endswith("#f")) == ("a.example", 8443, False)
    assert Target.parsed("https://[2606:4700::1]/").origin == ("https", "2606:4700::1", 443)
