"""The error tree. Raise from it anywhere; only `http/faults.py` turns it into statuses.

Fault
├── Missing             the named thing is not there
│   └── Gone            it was there, and is no longer kept (an old revision or position)
├── Conflict            what stands contradicts the wish
│   ├── Exists          a thing of this name stands already
│   └── Stale           it was changed since the caller read it
├── Invalid             the wish itself is wrong
│   ├── Malformed       it can't even be read (syntax, encoding, type)
│   ├── TooLarge        it is larger than what is accepted
│   └── Unsupported     a media type, verb or feature that isn't offered
├── Denied              known, and not allowed
├── Unauthenticated     not known
├── Busy                not now: try again
│   └── Limited         not now, by a limit that the caller ran into
└── Broken              ours or a foreign system's fault
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong with one field: `field` is a dotted path, `text` says what would be accepted."""

    field: str
    text: str
    value: object = None


class Fault(Exception):
    """Root of the tree.

    `slug` is stable and for machines; `text` is a sentence for people that names the thing and what would be
    accepted. `resource` and `name` say which object it is about (plural resource, no group), so that each wire
    dialect can word it in its own way. `flaws` are per field. `retry_after` is in seconds, 0 for unknown. `public` is
    what clients are told in place of `text`, where that is for operators (it names a file); of `Broken`, without it,
    they are told nothing but that it is. `reason` is Kubernetes', where it is not that of the kind of fault.
    """

    def __init__(
        self,
        slug: str,
        text: str,
        *,
        resource: str = "",
        name: str = "",
        flaws: tuple[Flaw, ...] = (),
        retry_after: float = 0,
        public: str = "",
        reason: str = "",
    ) -> None:
        super().__init__(text)
        self.slug = slug
        self.text = text
        self.resource = resource
        self.name = name
        self.flaws = flaws
        self.retry_after = retry_after
        self.public = public
        self.reason = reason


class Missing(Fault):
    """The named thing is not there."""


class Gone(Missing):
    """It was there and is no longer kept: an old revision, an old position."""


class Conflict(Fault):
    """What stands contradicts the wish."""


class Exists(Conflict):
    """A thing of this name stands already."""


class Stale(Conflict):
    """It was changed since the caller read it."""


class Invalid(Fault):
    """The wish itself is wrong."""


class Malformed(Invalid):
    """The wish can't even be read: syntax, encoding, type."""


class TooLarge(Invalid):
    """Larger than what is accepted."""


class Unsupported(Invalid):
    """A media type, verb or feature that isn't offered."""


class Denied(Fault):
    """Known, and not allowed."""


class Unauthenticated(Fault):
    """Not known."""


class Busy(Fault):
    """Not now: try again."""


class Limited(Busy):
    """Not now, by a limit that the caller ran into."""


class Broken(Fault):
    """Ours, or a foreign system's fault."""
