"""Every project as it should be: its built-in roles, its creator as admin, what releases may do; and its end.

By namespace, from what stands in the cluster: it may be run again at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from libs.shared.bell import Bell
from libs.shared.errors import Exists, Fault
from services.cluster.clients import kube
from services.cluster.commands import project as commands
from services.cluster.domain import project, resource
from services.cluster.domain.project import BuiltIn, Ending
from services.cluster.domain.resource import NAMESPACES, ROLE_BINDINGS, ROLES, JsonObject
from services.cluster.domain.shelf import Heard, Key
from services.cluster.parts import Parts
from services.cluster.queries import index

LOOKS = 1.0
"""Seconds between two looks for workspaces that have ended, and for what is to be tried again."""
REMEMBERED = timedelta(hours=1)
"""How long an ended workspace's projects are waited for: one may have been made while it was ending."""
NEEDED = frozenset({NAMESPACES.plural, ROLES.plural, ROLE_BINDINGS.plural})
MOST = 5000


@dataclass
class Agenda:
    """Which namespaces are to be looked at: new and changed ones first, so that nobody waits for a round of all."""

    urgent: dict[str, None] = field(default_factory=dict)
    later: dict[str, None] = field(default_factory=dict)
    failed: dict[str, float] = field(default_factory=dict)
    endings: Mapping[str, Ending] = field(default_factory=dict)
    looked: float = float("-inf")
    round: float = float("-inf")

    async def update(self, heard: Heard, parts: Parts) -> None:
        """What was heard of since; each second what failed a while ago and what has ended; now and then everything."""
        for key in heard.take(MOST):
            (self.urgent if key.plural == NAMESPACES.plural else self.later)[key.namespace or key.name] = None
        now = parts.clock.monotonic()
        if now < self.looked + LOOKS:
            return
        self.looked = now
        self.later |= dict.fromkeys(name for name, when in self.failed.items() if when <= now)
        self.endings = await index.endings(parts.store)
        spaces = parts.shelf.all(NAMESPACES.plural) if self.endings else ()
        self.later |= {resource.name(one): None for one in spaces if project.workspace_of(one) in self.endings}
        if now >= self.round + parts.settings.resync_seconds:
            self.round = now
            await parts.store.transact(commands.forget_endings, parts.clock() - REMEMBERED)
            self.later |= {found.name: None for found in parts.shelf.keys(NAMESPACES.plural)}

    def next(self) -> str | None:
        """The one to look at now."""
        names = self.urgent or self.later
        if not names:
            return None
        name = next(iter(names))
        for standing in (self.urgent, self.later, self.failed):
            standing.pop(name, None)
        return name


async def reconcile_projects(parts: Parts) -> None:
    """For ever."""
    bell, agenda = Bell(parts.clock), Agenda()
    with parts.shelf.heard(NEEDED, bell.ring) as heard:
        while not all(parts.shelf.stands(plural) for plural in NEEDED):
            await parts.clock.sleep(LOOKS)
        while True:
            await agenda.update(heard, parts)
            name = agenda.next()
            if name is None:
                await bell.wait(LOOKS)
            elif not await _tried(name, agenda.endings, parts):
                agenda.failed[name] = parts.clock.monotonic() + parts.settings.retry_seconds


async def _tried(name: str, endings: Mapping[str, Ending], parts: Parts) -> bool:
    try:
        await reconcile(name, endings, parts)
    except Fault as fault:
        parts.work.journal.failed(name, fault)
        return False
    return True


async def reconcile(name: str, endings: Mapping[str, Ending], parts: Parts) -> None:
    """One namespace; raises what the cluster refuses."""
    found = parts.shelf.get(Key(NAMESPACES.plural, "", name))
    workspace = project.workspace_of(found)
    if found is None or not workspace or _terminating(found) or project.DEVOPS in resource.labels(found):
        return
    ending = endings.get(workspace)
    if ending is not None and project.ends(found, ending):
        await _end(name, ending, parts)
        return
    if resource.labels(found).get(project.PROJECT) != name:
        await kube.mark_project(parts.kube, name)
    await _roles(name, [base for base in parts.work.roles if not base.labels], parts)
    await _found(found, name, parts)
    await _releases(name, parts)
    await _roles(name, [base for base in parts.work.roles if base.labels], parts)


async def _end(name: str, ending: Ending, parts: Parts) -> None:
    if ending.orphan:
        await kube.orphan_project(parts.kube, name)
    else:
        await kube.delete_project(parts.kube, name)


async def _roles(name: str, bases: Sequence[BuiltIn], parts: Parts) -> None:
    """Made and restored: what people are waiting for first, the templates that other roles are made of last."""
    for base in bases:
        wanted, standing = base.role(name), parts.shelf.get(Key(ROLES.plural, name, base.name))
        try:
            if standing is None:
                parts.shelf.take(ROLES.plural, await kube.create_role(parts.kube, wanted))
            elif project.differs(standing, wanted):
                restored = project.restored(standing, wanted)
                parts.shelf.take(ROLES.plural, await kube.replace_role(parts.kube, restored))
        except Exists:  # not heard of yet
            continue


async def _releases(name: str, parts: Parts) -> None:
    wanted = project.releases_binding(name)
    standing = parts.shelf.get(Key(ROLE_BINDINGS.plural, name, project.RELEASES))
    if standing is None:
        await kube.bind(parts.kube, wanted)
    elif not project.same_binding(standing, wanted):
        await kube.rebind(parts.kube, parts.shelf, standing, wanted)


async def _found(found: JsonObject, name: str, parts: Parts) -> None:
    """Make the creator admin, once in the project's life, and note it when that has been observed."""
    uid = resource.uid(found)
    creator = resource.notes(found).get(project.CREATOR, "")
    if not creator or await index.founded(parts.store, uid):
        return
    wanted = project.binding(name, creator, project.ADMIN)
    if parts.shelf.get(Key(ROLE_BINDINGS.plural, name, resource.name(wanted))) is None:
        parts.shelf.take(ROLE_BINDINGS.plural, await kube.bind(parts.kube, wanted))
        return
    await parts.store.transact(commands.note_founded, uid, name, creator)


def _terminating(found: JsonObject) -> bool:
    return bool(resource.metadata(found).get("deletionTimestamp"))
