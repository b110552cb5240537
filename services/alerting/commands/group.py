"""Making, changing and removing rule groups."""

from __future__ import annotations

from datetime import datetime

from libs.shared.store.protocol import Unit
from services.alerting.commands import evaluation
from services.alerting.commands.place import workspace_of
from services.alerting.domain import group as domain
from services.alerting.domain import standing as standings
from services.alerting.domain.group import Group, GroupWish
from services.alerting.domain.standing import Standing


async def create_group(unit: Unit, kind: type[Group], wish: GroupWish, *, uid: str, by: str, at: datetime) -> Group:
    """Make a group. Raises `Exists`."""
    group, event = domain.make(kind, wish, uid=uid, by=by, at=at)
    group = await unit.of(kind).add(group)
    unit.emit(event, subject=_subject(group), workspace=await workspace_of(unit, group.namespace), about=group)
    return group


async def change_group(unit: Unit, before: Group, wish: GroupWish, *, by: str, at: datetime) -> Group:
    """Replace what a group says; alerts of rules that are gone, or switched off, are over."""
    group, event = domain.change(before, wish, by=by)
    group = await unit.of(type(before)).put(group)
    unit.emit(event, subject=_subject(group), workspace=await workspace_of(unit, group.namespace), about=group)
    standing = await unit.of(Standing).look(group.place)
    if standing is not None:
        await evaluation.keep_turn(unit, group, standings.settled(group, standing), at=at)
    return group


async def remove_group(unit: Unit, group: Group, *, by: str, at: datetime) -> None:
    """Remove a group; its alerts are over."""
    standing = await unit.of(Standing).look(group.place)
    if standing is not None:
        await evaluation.end_alerts(unit, standings.ended(standing), at=at)
        await unit.of(Standing).drop(standing.id)
    await unit.of(type(group)).drop(group.id)
    event = domain.remove(group, by=by)
    unit.emit(event, subject=_subject(group), workspace=await workspace_of(unit, group.namespace), about=group)


def _subject(group: Group) -> str:
    return f"rulegroups/{group.place}"
