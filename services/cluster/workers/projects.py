"""Every project as it should be: its built-in roles, its creator as admin, what releases may do; and its end.

By namespace, from what stands in the cluster: it may be run again at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from libs.shared.bell import Bell
from libs.shared.errors import Exists, Fault
from services.cluster.clients import kube
from services.cluster.commands import project as commands
from services.cluster.domain import project, resource
from services.cluster.domain.project import Ending
from services.cluster.domain.resource import NAMESPACES, ROLE_BINDINGS, ROLES, JsonObject
from services.cluster.domain.shelf import Heard, Key
from services.cluster.parts import Parts
from services.cluster.queries import index

LOOKS = 1.0
"""Seconds between two looks for workspaces that have ended."""
REMEMBERED = timedelta(hours=1)
"""How long an ended workspace's projects are waited for: one may have been made while it was ending."""
NEEDED = frozenset({NAMESPACES.plural, ROLES.plural, ROLE_BINDINGS.plural})
MOST = 5000


async def reconcile_projects(parts: Parts) -> None:
    """For ever: what was heard of, what failed a while ago, and now and then everything."""
    bell = Bell(parts.clock)
    with parts.shelf.heard(NEEDED, bell.ring) as heard:
        while not all(parts.shelf.stands(plural) for plural in NEEDED):
            await parts.clock.sleep(LOOKS)
        due, failed = parts.clock.monotonic(), dict[str, float]()
        while True:
            now = parts.clock.monotonic()
            endings = await index.endings(parts.store)
            if now >= due:
                due = now + parts.settings.resync_seconds
                await parts.store.transact(commands.forget_endings, parts.clock() - REMEMBERED)
                names = {found.name for found in parts.shelf.keys(NAMESPACES.plural)}
            else:
                names = _asked(heard, failed, endings, now, parts)
            for name in sorted(names):
                failed.pop(name, None)
                if not await _tried(name, endings, parts):
                    failed[name] = now + parts.settings.retry_seconds
            await bell.wait(LOOKS)


def _asked(
    heard: Heard, failed: Mapping[str, float], endings: Mapping[str, Ending], now: float, parts: Parts
) -> set[str]:
    """The namespaces to look at: those of which something was heard, failed ones, those of ended workspaces."""
    names = {key.namespace or key.name for key in heard.take(MOST)}
    names |= {name for name, when in failed.items() if when <= now}
    if endings:
        names |= {
            resource.name(found)
            for found in parts.shelf.all(NAMESPACES.plural)
            if project.workspace_of(found) in endings
        }
    return names


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
    if found is None or not workspace or _terminating(found):
        return
    ending = endings.get(workspace)
    if ending is not None and project.ends(found, ending):
        await _end(name, ending, parts)
        return
    if resource.labels(found).get(project.PROJECT) != name:
        await kube.mark_project(parts.kube, name)
    await _roles(name, parts)
    await _releases(name, parts)
    await _found(found, name, parts)


async def _end(name: str, ending: Ending, parts: Parts) -> None:
    if ending.orphan:
        await kube.orphan_project(parts.kube, name)
    else:
        await kube.delete_project(parts.kube, name)


async def _roles(name: str, parts: Parts) -> None:
    """Built-in roles and templates, made and restored."""
    for base in parts.work.roles:
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
