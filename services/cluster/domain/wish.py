"""That a member is to have another role: bindings can't be changed, so it takes two writes to the cluster, and what was
wished for is kept until both are done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from libs.shared.store.protocol import Document
from services.cluster.domain import member
from services.cluster.domain.resource import ROLES, JsonObject, made_after, uid

NOTHING = ""
"""The role of who is to be no member any more."""


class Wish(Document):
    """Of one member. `replaced` are the uids of the bindings that gave him what he had when it was wished for: one that
    is made later is somebody else's wish.
    """

    COLLECTION: ClassVar[str] = "wishes"

    name: str
    project: str
    user: str
    role: str
    replaced: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """What is left to do for a wish: whether the role is still to be bound, and which bindings the user is to leave."""

    bind: bool
    leave: Sequence[JsonObject]


def wish_name(project: str, user: str) -> str:
    """A wish's key: one member has one, and the last counts."""
    return f"{project}/{user}"


def step(wish: Wish, bindings: Iterable[JsonObject]) -> Step:
    """What is left to do, as the project's bindings stand. Who has left everything that was to be replaced, and has not
    got the role, was removed by somebody since: he gets nothing any more.
    """
    mine = member.of(bindings, wish.user)
    leave = [binding for binding in mine if _replaced(binding, wish)]
    has = any(member.role_of(binding) == (ROLES.kind, wish.role) for binding in mine)
    return Step(wish.role != NOTHING and not has and bool(leave), leave)


def others(bindings: Iterable[JsonObject], user: str, role: str) -> list[JsonObject]:
    """The bindings that give a user anything else than this role of the project."""
    return [one for one in member.of(bindings, user) if member.role_of(one) != (ROLES.kind, role)]


def _replaced(binding: JsonObject, wish: Wish) -> bool:
    """Whoever is to have nothing leaves what another wish of then has just given him, too."""
    return uid(binding) in wish.replaced or (wish.role == NOTHING and not made_after(binding, wish.at))
