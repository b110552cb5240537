"""What was written into the cluster: noted and told."""

from __future__ import annotations

from libs.shared.store.protocol import Unit
from services.mesh.commands import governing
from services.mesh.domain import split as domain
from services.mesh.domain.component import Key
from services.mesh.domain.governing import ServicePolicy, path_of
from services.mesh.domain.split import Split


async def note_split(unit: Unit, split: Split) -> None:
    """A service's routing stands so; told when traffic is shared otherwise than before."""
    before = await unit.of(Split).look(split.path)
    if before is None:
        await unit.of(Split).add(split)
    elif before != split:
        await unit.of(Split).put(split.stamped(before.stamp))
    if split.shares and (before is None or (before.shares, before.strategy) != (split.shares, split.strategy)):
        space = await governing.workspace(unit, split.namespace)
        unit.emit(domain.told(split), subject=domain.subject(split.where), workspace=space, about=split)


async def note_released(unit: Unit, key: Key) -> None:
    """A service is gone, with its routing and the policy of its name."""
    before = await unit.of(Split).look(path_of(*key))
    if before is None:
        return
    await unit.of(Split).drop(before.path)
    policy = await unit.of(ServicePolicy).look(before.path)
    if policy is not None:
        await governing.remove(unit, policy, by=governing.ITSELF)
    space = await governing.workspace(unit, key.namespace)
    unit.emit(domain.released(before), subject=domain.subject(key), workspace=space, about=before)
