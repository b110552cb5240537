"""Which entries a reader asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from libs.shared.errors import Gone
from services.events.domain.entry import Entry


@dataclass(frozen=True, slots=True)
class Wanted:
    """Entries after a position; empty text asks for any. `type` is an event's one spelling, or its full type."""

    after: int = 0
    limit: int = 100
    subjects: tuple[str, ...] = ()
    """What it is about: one of these, or anything where there is none."""
    type: str = ""
    workspace: str = ""

    @property
    def kind(self) -> str:
        """The event's one spelling."""
        return self.type.rpartition(".")[2]

    def fits(self, entry: Entry) -> bool:
        """Whether it is one of those asked for, wherever it stands."""
        return (
            (not self.subjects or entry.subject in self.subjects)
            and self.type in ("", entry.kind, entry.type)
            and self.workspace in ("", entry.workspace)
        )


def followed(wanted: Wanted, swept: int) -> Wanted:
    """What a stream sends of a log that was swept up to there: 0 asks for the oldest that there is. Raises `Gone` when
    the reader has been somewhere, and would miss what came next without noticing.
    """
    if not wanted.after:
        return replace(wanted, after=swept)
    if wanted.after < swept:
        text = f"what came after {wanted.after} is no longer kept: the oldest is {swept + 1}; begin there with after=0"
        raise Gone("position-gone", text)
    return wanted
