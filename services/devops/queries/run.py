"""Which runs there are, and how far each has come."""

from __future__ import annotations

from collections.abc import Sequence

from libs.shared.store.protocol import Equal, Find, OneOf, Range, Store
from services.devops.domain.node import Node
from services.devops.domain.remnant import Remnant
from services.devops.domain.resource import RUNS, path_of
from services.devops.domain.run import Result, Run, State

LIVE = OneOf("state", (State.RUNNING.value, State.PAUSED.value))


async def of_pipeline(store: Store, home: str) -> list[Run]:
    """All runs of a pipeline, newest first."""
    return await store.of(Run).find(Find((Equal("home", home),), sort="-number"))


async def of_project(store: Store, project: str) -> list[Run]:
    """All runs of a project."""
    return await store.of(Run).find(Find((Equal("project", project),)))


async def run(store: Store, project: str, name: str) -> Run:
    """One by its name. Raises `Missing`."""
    found = await store.of(Run).look(path_of(project, name))
    if found is None:
        raise RUNS.missing(name, who=RUNS.kind)
    return found


async def numbered(store: Store, home: str, number: str) -> Run:
    """One of a pipeline by its number. Raises `Missing`."""
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0  # noqa: PLR2004  # 32 bits
    found = await store.of(Run).find(Find((Equal("home", home), Equal("number", wanted)), limit=1))
    if not found:
        raise RUNS.missing(number[:20])
    return found[0]


async def nodes(store: Store, uid: str) -> dict[str, Node]:
    """How its stages stand, those that have begun, by their ids."""
    return {node.id: node for node in await store.of(Node).find(Find((Equal("run", uid),)))}


async def waiting(store: Store, limit: int) -> list[Run]:
    """Those whose turn comes next, oldest first."""
    return await store.of(Run).find(Find((Equal("state", State.QUEUED.value),), sort="created_at", limit=limit))


async def live(store: Store) -> list[Run]:
    """Those that run, or wait for somebody's word."""
    return await store.of(Run).find(Find((LIVE,)))


async def before(store: Store, of: Run) -> Result:
    """How the last run before this one ended; UNKNOWN where there was none."""
    earlier = (Equal("home", of.home), Range("number", high=of.number))
    for run in await store.of(Run).find(Find(earlier, sort="-number", limit=20)):
        if run.finished and run.result is not Result.NOT_BUILT:
            return run.result
    return Result.UNKNOWN


async def remnants(store: Store) -> list[Remnant]:
    """What is left of what is gone."""
    return await store.of(Remnant).find(Find(limit=100))


async def standing(store: Store, uids: Sequence[str]) -> set[str]:
    """Which of these uids are those of runs that there are."""
    found = await store.of(Run).find(Find((OneOf("uid", tuple(uids)),)))
    return {run.uid for run in found}
