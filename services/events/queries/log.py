"""Reading the log: by index, and never more of it in one request than a bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import TypeGuard

from libs.shared.store.protocol import Clause, Equal, Find, OneOf, Range, Store
from services.events.domain.entry import Cursor, Entry, Floor, Swept
from services.events.domain.sight import KINDS, Viewer
from services.events.domain.wanted import Wanted

FEW = 8
"""Up to so many workspaces, each is read by its own index and the results are merged."""
SPAN = 10_000
"""Positions looked at in one request where no index answers the whole question."""
RECENT = 10_000
"""How many changes of rights within the last seconds a stream takes into account when it opens."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page. `next` is where the reader goes on; all that he may see up to `through` is in it or was before."""

    entries: Sequence[Entry]
    next: int
    through: int
    swept: int
    """Up to which nothing is kept."""


async def log_cursor(store: Store) -> Cursor:
    """Where the log stands."""
    return await store.of(Cursor).look("log") or Cursor()


async def with_floors(store: Store, viewer: Viewer) -> Viewer:
    """The viewer, knowing where the history of each of his workspaces begins as the log stands now."""
    if viewer.everything or not viewer.workspaces:
        return viewer
    found = await store.of(Floor).find(Find((OneOf("workspace", tuple(sorted(viewer.workspaces))),)))
    return replace(viewer, floors={floor.workspace: floor.position for floor in found})


async def swept_through(store: Store) -> int:
    """Up to which position entries are no longer kept."""
    return (await store.of(Swept).look("log") or Swept()).position


async def read_entries(store: Store, wanted: Wanted, viewer: Viewer, *, until: int | None = None) -> Found:
    """Those of the wanted entries that the viewer sees, in the order of their positions, none beyond `until`."""
    swept = await swept_through(store)
    wanted = replace(wanted, after=max(wanted.after, swept))
    head = (await log_cursor(store)).position if until is None else until
    spaces = None if viewer.everything else tuple(sorted(viewer.workspaces))
    if wanted.workspace:
        spaces = (wanted.workspace,) if spaces is None or wanted.workspace in spaces else ()
    if wanted.after >= head or spaces == ():
        return Found((), wanted.after, max(wanted.after, head), swept)
    alternatives = [clauses for asked in _asked(wanted) for clauses in _alternatives(asked, spaces)]
    indexed = all(len(clauses) <= 1 for clauses in alternatives) and not (spaces and len(spaces) > FEW)
    end = head if indexed else min(head, wanted.after + SPAN)
    found = await _merged(store, alternatives, wanted, end, {} if viewer.everything else viewer.floors)
    entries = [
        entry
        for entry in found
        if wanted.fits(entry) and viewer.sees(entry)  # a full type is looked up by the event's one spelling
    ]
    full = len(found) == wanted.limit
    through = found[-1].position if full else end
    if full or not indexed:
        return Found(entries, through, through, swept)
    return Found(entries, entries[-1].position if entries else wanted.after, through, swept)


def _asked(wanted: Wanted) -> list[list[Clause]]:
    """A question for each subject, or one for all of them."""
    kind: list[Clause] = [Equal("kind", wanted.kind)] if wanted.kind else []
    return [[Equal("subject", subject), *kind] for subject in wanted.subjects] or [kind]


def _alternatives(asked: list[Clause], spaces: tuple[str, ...] | None) -> list[list[Clause]]:
    """The questions whose answers together are the page."""
    if spaces is None:
        return [asked]
    if len(spaces) > FEW:
        return [[*asked, OneOf("workspace", spaces)]]
    return [[*asked, Equal("workspace", space)] for space in spaces]


async def _merged(
    store: Store, alternatives: list[list[Clause]], wanted: Wanted, end: int, floors: Mapping[str, int]
) -> list[Entry]:
    found = []
    for clauses in alternatives:
        floor = max((floors.get(str(one.value), 0) for one in clauses if _names_a_workspace(one)), default=0)
        span = Range("position", max(wanted.after + 1, floor), end + 1)
        found.append(await store.of(Entry).find(Find((*clauses, span), "position", wanted.limit)))
    return list(islice(merge(*found, key=attrgetter("position")), wanted.limit))


def _names_a_workspace(clause: Clause) -> TypeGuard[Equal]:
    return isinstance(clause, Equal) and clause.field == "workspace"


async def next_entries(store: Store, after: int, limit: int) -> list[Entry]:
    """The entries that follow a position, whoever may see them."""
    return await store.of(Entry).find(Find((Range("position", after + 1),), "position", limit))


async def overdue(store: Store, before: datetime | None, most: int, limit: int) -> list[Entry]:
    """Of the oldest entries so many that are to go: all up to the last that happened before this moment, and all that
    are more than `most`, where that is not 0. The log is in the order of the bus, which is nearly that of time.
    """
    oldest = await next_entries(store, await swept_through(store), limit)
    through = (await log_cursor(store)).position - most if most else 0
    if before is not None:
        through = max([through, *(entry.position for entry in oldest if entry.time < before)])
    return [entry for entry in oldest if entry.position <= through]


async def rights_since(store: Store, since: datetime, through: int) -> list[Entry]:
    """Entries that bear on what somebody sees, from a moment on, up to a position."""
    clauses = (Range("time", since), OneOf("kind", KINDS), Range("position", high=through + 1))
    return await store.of(Entry).find(Find(clauses, "position", RECENT))


async def rights_between(store: Store, after: int, through: int) -> list[Entry]:
    """Entries that bear on what somebody sees, between two positions."""
    return await store.of(Entry).find(
        Find((OneOf("kind", KINDS), Range("position", after + 1, through + 1)), "position", RECENT)
    )
