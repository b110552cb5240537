"""Words, intervals, moments, workloads, containers' lines: what is decided without a store."""

from __future__ import annotations

import re

import pytest

from libs.shared.contracts.gateway_v1 import AuditRecorded
from libs.shared.errors import Invalid, Malformed
from services.logging.domain import audit
from services.logging.domain.entry import day_of, moment
from services.logging.domain.interval import Interval, buckets, interval_of
from services.logging.domain.log import workload_pods
from services.logging.domain.pod import Container, Tale, containers, stamp
from services.logging.domain.words import words
from services.logging.domain.workspace import founded_at

HOUR = 3_600_000
ONE = Container("uid", "shop", "cart-1", "web", 0, "abc", ended=False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("user_id=635 session-token", ["user_id", "635", "session", "token"]),
        ("Basket.java:42 3.14 1,234 3000ms", ["basket.java", "42", "3.14", "1,234", "3000ms"]),
        ("svc:5432 don't HTTP/1.1", ["svc", "5432", "don't", "http", "1.1"]),
        ("你好 Grüße 🍏", ["你", "好", "grüße", "🍏"]),
        ("* __ -- \x00", []),
        ("x" * 300, ["x" * 255, "x" * 45]),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    """Text is cut as Unicode's word breaks say: signs join, split or stand alone as in the standard analyser."""
    assert words(text) == found


@pytest.mark.parametrize("text", ["soon", "0m", "-5m", "1 hour", "", "2w", "9999999999d"])
def test_no_interval(text: str) -> None:
    """What is no width is refused."""
    with pytest.raises(Invalid):
        interval_of(text)


def test_buckets() -> None:
    """Gaps between the first and the last are told as zero; a calendar's months are of their own length; too many
    buckets are refused.
    """
    assert buckets({HOUR: 2, 3 * HOUR: 1}, interval_of("1h")) == [(HOUR, 2), (2 * HOUR, 0), (3 * HOUR, 1)]
    january, march = moment("2031-01-05T00:00:00Z", "t"), moment("2031-03-09T00:00:00Z", "t")
    months = buckets({january: 1, march: 2}, interval_of("1M"))
    assert [(day_of(at), count) for at, count in months] == [("2031-01-01", 1), ("2031-02-01", 0), ("2031-03-01", 2)]
    with pytest.raises(Invalid):
        buckets({0: 1, 10**12: 1}, Interval(1))


@pytest.mark.parametrize("value", ["yesterday", "", None, True, -1, 10**18, "2031-13-01T00:00:00Z", "9" * 500, [1]])
def test_no_moment(value: object) -> None:
    """What is no time is refused by the field's name."""
    with pytest.raises(Malformed, match="@timestamp"):
        moment(value, "@timestamp")


@pytest.mark.parametrize(
    ("pod", "fits"),
    [
        ("cart-6f9c7b58d4-x2kqz", True),
        ("cart-0", True),
        ("cart-9xk2p", True),
        ("cart-api-5d4b8c9f7-mz4tl", False),
        ("carts-0", False),
    ],
)
def test_pods_of_a_workload(pod: str, fits: bool) -> None:
    """Pods are told by the form of their names, and not those of a workload whose name begins alike."""
    assert any(re.fullmatch(shape, pod) for shape in workload_pods("cart")) is fits


def test_a_workload_named_like_a_pattern() -> None:
    """A name is text: what means something in regular expressions does not in it."""
    assert not any(re.fullmatch(shape, "cart-0") for shape in workload_pods("c.*"))
    assert any(re.fullmatch(shape, "c.*(-0") for shape in workload_pods("c.*("))


def test_lines_told_twice_are_the_same() -> None:
    """A log read again from its last second gives the ids that it gave before; lines of one time have ids of their own;
    what has no time goes on with the line before; older lines are left out.
    """
    told = [b"2031-05-06T08:00:00.1Z one", b"2031-05-06T08:00:01.5Z two", b"2031-05-06T08:00:01.5Z two", b"rest"]
    tale = Tale(ONE)
    first = [entry for line in told if (entry := tale.entry(line))]
    assert len({entry.id for entry in first}) == 4
    assert tale.since == "2031-05-06T08:00:01Z"
    again = Tale(ONE, "2031-05-06T08:00:01.500000000Z")
    repeated = [entry and entry.id for entry in map(again.entry, told)]
    assert repeated == [None, *(entry.id for entry in first[1:])]
    assert [stamp("2031-05-06T10:00:00+02:00"), stamp("soon")] == ["2031-05-06T08:00:00.000000000Z", ""]
    with pytest.raises(Malformed):
        Tale(ONE).entry(b"no time at all")


def test_containers_of_a_pod() -> None:
    """Those that have begun; each life of a container is one of its own."""
    statuses = [
        {"name": "web", "restartCount": 2, "containerID": "containerd://abc", "state": {"running": {}}},
        {"name": "later", "state": {"waiting": {"reason": "ContainerCreating"}}},
        {"name": "done", "state": {"terminated": {"exitCode": 0}}},
    ]
    pod = {"metadata": {"uid": "u", "name": "p", "namespace": "n"}, "status": {"containerStatuses": statuses}}
    assert [(c.key, c.source, c.ended) for c in containers(pod)] == [
        (("u", "web", 2), "abc", False),
        (("u", "done", 0), "u/done/0", True),
    ]
    assert containers({}) == []


def test_when_a_workspace_was_founded() -> None:
    """A time-ordered uid says it; another one says nothing, and then nobody is shown anything of it."""
    assert founded_at("0192f3c5-4a2b-7000-8000-000000000000") == 0x0192F3C54A2B
    assert [founded_at("c9bf9e57-1685-4c89-bafb-ff5af830be8a"), founded_at("none")] == [None, None]


def test_which_audit_records_are_kept() -> None:
    """What changed something, and what was refused; what only read where that is wanted."""
    read, refused = AuditRecorded(verb="list", code=200), AuditRecorded(verb="get", code=403)
    made = AuditRecorded(verb="create", code=201)
    assert [audit.worth_keeping(one, reads=False) for one in (read, refused, made)] == [False, True, True]
    assert audit.worth_keeping(read, reads=True)
