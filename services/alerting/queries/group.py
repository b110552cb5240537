"""Rule groups and how they stand."""

from __future__ import annotations

from collections.abc import Sequence

from libs.shared.store.protocol import ALL, Equal, Find, Store
from services.alerting.domain import standing as standings
from services.alerting.domain.group import GROUPS, Group
from services.alerting.domain.resource import NOUNS, Level
from services.alerting.domain.standing import Standing

Stood = tuple[Group, Standing]


async def live_groups(store: Store) -> list[Group]:
    """All that are evaluated."""
    found: list[Group] = []
    for kind in GROUPS.values():
        found.extend(group for group in await store.of(kind).find(ALL) if group.enabled)
    return found


async def list_groups(store: Store, level: Level, namespace: str) -> Sequence[Stood]:
    """The groups of a level, or of a namespace, each with its standing."""
    where = (Equal("namespace", namespace),) if level is Level.NAMESPACE else ()
    groups: list[Group] = list(await store.of(GROUPS[level]).find(Find(where)))
    inside = Find((Equal("level", level.value), Equal("namespace", namespace)))
    standing = {one.id: one for one in await store.of(Standing).find(inside)}
    return [(group, _own(group, standing.get(group.place))) for group in groups]


async def get_group(store: Store, level: Level, namespace: str, name: str) -> Stood:
    """One group and its standing. Raises `Missing`."""
    group: Group | None = await store.of(GROUPS[level]).look(f"{namespace}/{name}" if namespace else name)
    if group is None:
        raise NOUNS[level].missing(name)
    return group, _own(group, await store.of(Standing).look(group.place))


def _own(group: Group, standing: Standing | None) -> Standing:
    """A standing of another group that had the name before says nothing."""
    return standing if standing is not None and standing.uid == group.uid else standings.begun(group)
