"""Wishes for members, kept until they are seen through."""

from __future__ import annotations

from collections.abc import Iterable

from libs.shared.store.protocol import Unit
from services.cluster.domain.wish import Wish, wish_name


async def wish_role(unit: Unit, project: str, user: str, role: str, replaced: Iterable[str]) -> None:
    """The member is to have this role in place of what these bindings give him."""
    name = wish_name(project, user)
    await unit.of(Wish).put(
        Wish(name=name, project=project, user=user, role=role, replaced=tuple(replaced), at=unit.at)
    )


async def forget_wish(unit: Unit, seen: Wish) -> None:
    """It was seen through, or never can be; one that was wished for since then stays."""
    standing = await unit.of(Wish).look(seen.name)
    if standing is not None and standing.at == seen.at:
        await unit.of(Wish).drop(seen.name)
