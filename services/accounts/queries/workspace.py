"""Reading workspaces."""

from __future__ import annotations

from libs.shared.store.protocol import Find, OneOf, Store
from services.accounts.domain.resource import TEMPLATES, Noun
from services.accounts.domain.workspace import Workspace


async def workspace(store: Store, name: str, noun: Noun = TEMPLATES) -> Workspace:
    """The workspace of this name; raises `Missing`, worded for what was asked for."""
    found = await store.of(Workspace).look(name)
    if found is None:
        raise noun.unknown(name)
    return found


async def workspaces(store: Store, names: tuple[str, ...] | None) -> list[Workspace]:
    """The workspaces of these names, or all of them (None)."""
    if names is None:
        return await store.of(Workspace).find()
    return await store.of(Workspace).find(Find((OneOf("name", names),))) if names else []
