"""Envelopes as bytes: whatever goes in comes out, and nothing else is taken for one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.shared.bus.codec import decoded, encoded
from libs.shared.bus.embedded import positions
from libs.shared.bus.types import Types
from libs.shared.errors import Invalid, Malformed
from libs.shared.event import Envelope
from libs.shared.testing.bus import envelope

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ENVELOPES = st.builds(
    Envelope,
    id=TEXT,
    type=TEXT,
    source=TEXT,
    subject=TEXT,
    time=st.datetimes(timezones=st.just(UTC), min_value=datetime(1000, 1, 1)),  # noqa: DTZ001  # Hypothesis adds the zone
    data=TEXT,
    sequence=st.integers(0, 2**53),
    version=st.integers(0, 2**63 - 1),
    workspace=TEXT,
    actor=TEXT,
    correlationid=TEXT,
    causationid=TEXT,
    traceparent=TEXT,
)


@given(ENVELOPES)
def test_what_goes_in_comes_out(whole):
    """Every field survives, byte for byte, control characters and empty texts included."""
    assert decoded(encoded(whole)) == whole


def test_times_are_kept_in_utc():
    """A time with another zone is the same moment in UTC."""
    east = datetime(2030, 1, 1, 12, tzinfo=timezone(timedelta(hours=8)))
    whole = Envelope("a", "t", "/s", "x", east, "{}")
    assert decoded(encoded(whole)).time == datetime(2030, 1, 1, 4, tzinfo=UTC)


def test_lone_surrogates_are_refused():
    """Text that no UTF-8 can hold is refused, naming the event, before anything is written."""
    with pytest.raises(Malformed) as refusal:
        encoded(envelope(1, data='"\ud800"'))
    assert refusal.value.name == "event-1"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"id": 5}',
        b"[" * 100_000,
        encoded(envelope(1)).replace(b"2030-01-01T00:00:01.000000+00:00", b"yesterday"),
        encoded(envelope(1)).replace(b"+00:00", b""),
        encoded(envelope(1)).replace(b'"sequence":1', b'"sequence":"1"'),
        encoded(envelope(1)).replace(b'"sequence":1', b'"sequence":-1'),
        encoded(envelope(1)).replace(b'"sequence":1', b'"sequence":1,"actor":7'),
    ],
)
def test_anything_else_is_malformed(raw):
    """Bytes that are no envelope are refused by one kind of error, whatever is wrong with them."""
    with pytest.raises(Malformed):
        decoded(raw)


def test_unknown_fields_are_passed_over():
    """A newer writer's field does not stop an older reader."""
    assert decoded(encoded(envelope(1)).replace(b"{", b'{"new": [1], ', 1)) == envelope(1)


@given(st.integers(1, 2**62), st.integers(1, 2**62))
def test_positions_sort_as_their_numbers_do(one, two):
    """Text order is number order, and the number comes back."""
    assert (positions.text(one) < positions.text(two)) == (one < two)
    assert positions.number(positions.text(one)) == one


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)))  # noqa: DTZ001  # Hypothesis adds the zone
def test_moments_are_kept_to_the_microsecond(at):
    """A time as microseconds is the same time."""
    assert positions.moment(positions.micros(at)) == at


def test_types_are_names_or_prefixes():
    """A star stands at the end or nowhere; an empty name is none."""
    wanted = Types(["a.B", "c.*"])
    assert [name for name in ("a.B", "a.Bb", "c.D", "c.", "", "d") if wanted.has(name)] == ["a.B", "c.D", "c.", ""]
    for pattern in ("*.x", "a*b", ""):
        with pytest.raises(Invalid):
            Types([pattern])
