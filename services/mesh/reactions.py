"""The cluster's events -> to whose workspace a namespace belongs, and what is wanted of one that is gone."""

from __future__ import annotations

from typing import Any

from libs.shared.contracts.cluster_v1 import ProjectGone, ProjectObserved
from libs.shared.contracts.mesh_v1 import EVENTS
from libs.shared.event import Envelope, Event
from libs.shared.service import Follow, On
from libs.shared.store.protocol import Unit
from services.mesh.commands import governing as commands
from services.mesh.parts import Parts


async def note_project(unit: Unit, event: ProjectObserved) -> None:
    """What happens in it belongs to its workspace."""
    await commands.note_space(unit, event.project, event.uid, event.workspace)


async def forget_project(unit: Unit, event: ProjectGone) -> None:
    """Its strategies and policies go with it."""
    await commands.forget_space(unit, event.project, event.uid)


REACTIONS: tuple[On[Any], ...] = (On(ProjectObserved, note_project), On(ProjectGone, forget_project))


async def hear(event: Event, envelope: Envelope, parts: Parts) -> None:  # noqa: ARG001  # a follower's signature
    """A strategy or a policy of this component was written: its service's routing is looked at."""
    component = getattr(event, "component", "")
    if component:
        parts.view.hear_component(getattr(event, "namespace", ""), component)


FOLLOWS: tuple[Follow[Any], ...] = tuple(Follow(event, hear) for event in EVENTS)
