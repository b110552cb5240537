"""What is held of namespaces, roles and bindings -> facts: noted and told where they differ from what was told last.

It goes by the difference, not by the change: a burst is one batch, a restart tells only what happened meanwhile.
"""

from __future__ import annotations

from libs.shared.bell import Bell
from services.cluster.domain.resource import TOLD
from services.cluster.domain.shelf import Heard
from services.cluster.parts import Parts
from services.cluster.queries.index import noted_keys

BATCH = 250
"""Facts that are noted in one unit."""
LOOKS = 0.2
"""Seconds between two looks whether the first list is through."""
IDLE = 3600.0
PLURALS = frozenset(resource.plural for resource in TOLD)


async def observe(parts: Parts) -> None:
    """For ever; begins by comparing all that stands with all that is noted."""
    bell = Bell(parts.clock)
    with parts.shelf.heard(PLURALS, bell.ring) as heard:
        while not all(parts.shelf.stands(plural) for plural in PLURALS):
            await parts.clock.sleep(LOOKS)
        await compare_all(heard, parts)
        await tell(heard, parts, sure=True)
        while True:
            await tell(heard, parts)
            await bell.wait(IDLE)


async def compare_all(heard: Heard, parts: Parts) -> None:
    """Have everything looked at that stands or was told."""
    for plural in sorted(PLURALS):
        for key in parts.shelf.keys(plural):
            heard.add(key)
    for key in await noted_keys(parts.store):
        heard.add(key)


async def tell(heard: Heard, parts: Parts, *, sure: bool = False) -> None:
    """Note and tell everything that was heard."""
    while keys := heard.take(BATCH):
        await parts.work.facts.note(keys, sure=sure)
