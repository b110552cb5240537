"""What an event changed in the index, for whoever follows it up."""

from __future__ import annotations

from dataclasses import dataclass

from services.gateway.domain.caller import SubjectKey


@dataclass(frozen=True, slots=True)
class Effect:
    """What an event changed: whose permissions (`everybody` when that is not known by name), whose passwords, and what
    is to be cut off at once.
    """

    users: frozenset[str] = frozenset()
    everybody: bool = False
    passwords: frozenset[str] = frozenset()
    cut_users: frozenset[str] = frozenset()
    cut_sessions: frozenset[str] = frozenset()


NOTHING = Effect()
EVERYBODY = Effect(everybody=True)


def concerning(subjects: frozenset[SubjectKey]) -> Effect:
    """The permissions of these are others now; of groups nobody knows here who is in them."""
    if any(subject.kind != "User" for subject in subjects):
        return EVERYBODY
    return Effect(users=frozenset(subject.name for subject in subjects))
