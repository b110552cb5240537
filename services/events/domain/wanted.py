"""Which entries a reader asks for."""

from __future__ import annotations

from dataclasses import dataclass

from services.events.domain.entry import Entry


@dataclass(frozen=True, slots=True)
class Wanted:
    """Entries after a position; empty text asks for any. `type` is an event's one spelling, or its full type."""

    after: int = 0
    limit: int = 100
    subject: str = ""
    type: str = ""
    workspace: str = ""

    @property
    def kind(self) -> str:
        """The event's one spelling."""
        return self.type.rpartition(".")[2]

    def fits(self, entry: Entry) -> bool:
        """Whether it is one of those asked for, wherever it stands."""
        return (
            self.subject in ("", entry.subject)
            and self.type in ("", entry.kind, entry.type)
            and self.workspace in ("", entry.workspace)
        )
