"""Which pipelines a project has."""

from __future__ import annotations

from libs.shared.store.protocol import Equal, Find, Store
from services.devops.domain.pipeline import Pipeline
from services.devops.domain.resource import PIPELINES, Noun, path_of


async def pipelines(store: Store, project: str) -> list[Pipeline]:
    """All of the project."""
    return await store.of(Pipeline).find(Find((Equal("project", project),)))


async def pipeline(store: Store, project: str, name: str, *, noun: Noun = PIPELINES, who: str = "") -> Pipeline:
    """One of them. Raises `Missing`, in the words of that noun."""
    found = await store.of(Pipeline).look(path_of(project, name))
    if found is None:
        raise noun.missing(name, who=who)
    return found
