"""What is kept: an entry of one kind, with the texts that it can be found by and the document that is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from libs.shared.errors import Malformed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z."""
LONGEST_ID = 512
LONGEST_TIME = 64


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of documents. `exact` fields are found by their whole value, `worded` ones by words and phrases."""

    name: str
    exact: tuple[str, ...]
    worded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """`ms` is its moment in milliseconds since 1970, `body` the JSON that is answered. `source` is what statistics
    count distinct values of. An entry of the same `id` in the same day replaces it; without an id it is another one.
    """

    ms: int
    body: bytes
    exact: Mapping[str, str]
    worded: Mapping[str, str]
    source: str = ""
    id: str = ""
    create: bool = False
    """Whether an entry of this id that stands is to be left as it is, and told so."""

    @property
    def day(self) -> str:
        """The day in UTC that it is kept under, `2031-05-06`."""
        return day_of(self.ms)

    @property
    def size(self) -> int:
        """About how many bytes it is."""
        return len(self.body) * 2 + 256


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of an entry: `created`, `updated`, or `conflict` for a creation of what stands."""

    result: str


LOGS = Kind("logs", ("namespace", "pod", "container", "source"), ("pod", "container", "log"))
EVENTS = Kind("events", ("namespace", "name", "reason", "source"), ("name", "kind", "reason", "message", "type"))
AUDITING = Kind(
    "auditing",
    ("namespace", "workspace", "name", "level", "verb", "user", "groups", "address", "code", "status", "source"),
    ("resource", "subresource"),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (LOGS, EVENTS, AUDITING)}


def day_of(ms: int) -> str:
    """The UTC day of a moment."""
    return (EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%d")


def day_start(day: str) -> int:
    """Milliseconds at which a day begins."""
    return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1000


def moment(value: object, name: str) -> int:
    """Milliseconds of an RFC 3339 time (finer digits are cut) or of a number of milliseconds; raises `Malformed` naming
    the field.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LAST_MS:
        return value
    if isinstance(value, str) and len(value) <= LONGEST_TIME:
        try:
            read = datetime.fromisoformat(value.strip())
        except ValueError:
            read = None
        if read is not None:
            delta = (read if read.tzinfo else read.replace(tzinfo=UTC)) - EPOCH
            if delta.days >= 0:
                return delta // timedelta(milliseconds=1)
    raise Malformed("time", f"{name} should be a time as 2031-05-06T08:00:00.000Z, or milliseconds since 1970")


@dataclass(frozen=True, slots=True)
class Found:
    """A page of documents, and how many there are in all."""

    total: int
    bodies: tuple[bytes, ...] = field(default=())
