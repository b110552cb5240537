"""Members of a project: whom its RoleBindings bind by name (iam-gateway 7.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.cluster.domain.resource import JsonObject

USER = "User"


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who is to have which role."""

    user: str
    role: str


def binds(binding: JsonObject, user: str) -> bool:
    """Whether a binding binds this user by name."""
    return any(_is_user(one) and one.get("name") == user for one in binding.get("subjects") or ())


def of(bindings: Iterable[JsonObject], user: str) -> list[JsonObject]:
    """The bindings that bind this user by name."""
    return [binding for binding in bindings if binds(binding, user)]


def role_of(binding: JsonObject) -> tuple[str, str]:
    """Kind and name of what is bound."""
    ref = binding.get("roleRef") or {}
    return str(ref.get("kind", "")), str(ref.get("name", ""))


def roles_by_user(bindings: Iterable[JsonObject]) -> dict[str, str]:
    """Each user who is bound by name, with his role; the first binding counts."""
    found: dict[str, str] = {}
    for binding in bindings:
        for user in _users(binding):
            found.setdefault(user, role_of(binding)[1])
    return found


def held(bindings: Iterable[JsonObject], user: str, groups: Iterable[str]) -> list[tuple[str, str]]:
    """What a user is bound to, by name and by group: kinds and names of roles, each once."""
    wanted = {(USER, user), *(("Group", group) for group in groups)}
    found = {
        role_of(binding): None
        for binding in bindings
        if any((one.get("kind"), one.get("name")) in wanted for one in binding.get("subjects") or ())
    }
    return list(found)


def without(binding: JsonObject, user: str) -> dict[str, Any] | None:
    """The binding with this user no longer in it; None when nobody else would be left. The original deletes it for
    everybody.
    """
    others = [one for one in binding.get("subjects") or () if not (_is_user(one) and one.get("name") == user)]
    return {**dict(binding), "subjects": others} if others else None


def _users(binding: JsonObject) -> Iterator[str]:
    for one in binding.get("subjects") or ():
        if _is_user(one):
            yield str(one.get("name", ""))


def _is_user(subject: Mapping[str, Any]) -> bool:
    return subject.get("kind") == USER
