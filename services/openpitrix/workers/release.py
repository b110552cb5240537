"""Bringing releases about: the only one who calls Helm. What was cut off is begun again; Helm's own record of the
release tells how far it had come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from libs.shared.errors import Busy, Fault, Invalid
from libs.shared.event import CAUSE, Cause
from libs.shared.service import Worker
from services.openpitrix.clients.yamls import read_objects
from services.openpitrix.commands import release as commands
from services.openpitrix.domain.release import Made, Release, Work
from services.openpitrix.parts import Parts
from services.openpitrix.queries import release as queries

AT_ONCE: Final = 100
POLL: Final = 30.0
SECONDS_TO_READ: Final = 10.0
SHORT: Final = 60.0
ACTOR: Final = "system:openpitrix"
MOST_ATTEMPTS: Final = 20
"""How often one is tried whose cluster, gateway or repository can't be reached, before it counts as failed."""

Running = dict[str, tuple[int, asyncio.Task[None]]]


async def bring_about(parts: Parts) -> None:
    """Serve wishes for ever, several at once, one of a release at a time; a newer wish cuts off an older one."""
    await parts.site.helm.sweep()
    running: Running = {}
    try:
        while True:
            for name in [name for name, (_, task) in running.items() if task.done()]:
                running.pop(name)[1].result()
            for release in await queries.due_releases(parts.store, parts.clock(), AT_ONCE):
                await _begin(release, running, parts)
            await parts.desk.bells.releases.wait(await _until_due(parts))
    finally:
        tasks = [task for _, task in running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _begin(release: Release, running: Running, parts: Parts) -> None:
    wish, task = running.get(release.id, (0, None))
    if task is not None:
        if wish == release.wish:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    running[release.id] = (release.wish, asyncio.create_task(_served(release, parts)))


async def _until_due(parts: Parts) -> float:
    due = await queries.next_due(parts.store, parts.clock())
    waits = POLL if due is None else (due - parts.clock()).total_seconds()
    return min(max(waits, 0.01), POLL)


async def _served(release: Release, parts: Parts) -> None:
    """One attempt in the chain of causes that the wish came from, and the note of how it ended."""
    was = CAUSE.set(Cause(release.by or ACTOR, release.correlation, "", release.traceparent))
    try:
        await serve(release, parts)
    finally:
        CAUSE.reset(was)
        parts.desk.bells.releases.ring()


async def serve(release: Release, parts: Parts) -> None:
    """Do what is wished of the release. What may pass is tried again; anything else fails with its reason."""
    try:
        made = await _done(release, parts)
    except Busy as fault:
        if release.attempts + 1 < MOST_ATTEMPTS:
            await _put_off(release, fault, parts)
            return
        await _failed(release, fault, parts)
        return
    except Fault as fault:
        await _failed(release, fault, parts)
        return
    parts.failpoints.hit("release.after-helm")
    parts.journal.release(release.id, release.work)
    await parts.store.transact(commands.note_success, release.id, release.wish, made, at=parts.clock())


async def _done(release: Release, parts: Parts) -> Sequence[Made]:
    kubeconfig = await parts.site.authority.kubeconfig(release)
    parts.failpoints.hit("release.before-helm")
    seconds = parts.settings.release_seconds
    if release.work is Work.DELETE:
        await parts.site.helm.remove(release, kubeconfig, seconds)
        return ()
    package = await parts.desk.packages.by_id(release.version)
    found = await parts.site.helm.ensure(release, package, kubeconfig, seconds)
    try:
        return [Made(**one) for one in await read_objects(found.text.encode(), seconds=SECONDS_TO_READ)]
    except Invalid:  # Helm reads YAML that we don't: it stands, only its parts can't be shown
        return ()


async def _put_off(release: Release, fault: Busy, parts: Parts) -> None:
    settings = parts.settings
    pause = min(settings.retry_first * 2.0 ** min(release.attempts, 20), settings.retry_most)
    parts.journal.release(release.id, release.work, fault.slug)
    await parts.store.transact(
        commands.put_off_release, release.id, release.wish, message=fault.text, pause=pause, at=parts.clock()
    )


async def _failed(release: Release, fault: Fault, parts: Parts) -> None:
    parts.journal.release(release.id, release.work, fault.slug)
    await parts.store.transact(
        commands.note_failure,
        release.id,
        release.wish,
        slug=fault.slug,
        message=fault.public or fault.text,
        at=parts.clock(),
    )


WORKERS = (Worker("bring-about-releases", bring_about),)
