"""Noting which workspace a namespace belongs to, and what becomes of its rule groups when it is gone."""

from __future__ import annotations

from libs.shared.store.protocol import Equal, Find, Unit
from services.alerting.commands.group import remove_group
from services.alerting.domain.group import RuleGroup
from services.alerting.domain.project import Project

PLATFORM = "system:alerting"


async def keep_project(unit: Unit, namespace: str, *, uid: str, workspace: str) -> None:
    """Note it."""
    await unit.of(Project).put(Project(namespace=namespace, uid=uid, workspace=workspace))


async def forget_project(unit: Unit, namespace: str, *, uid: str) -> None:
    """It is gone with its rule groups, unless another one of its name has come already."""
    known = await unit.of(Project).look(namespace)
    if known is not None and known.uid != uid:
        return
    for group in await unit.of(RuleGroup).find(Find((Equal("namespace", namespace),))):
        await remove_group(unit, group, by=PLATFORM, at=unit.at)
    if known is not None:
        await unit.of(Project).drop(namespace)
