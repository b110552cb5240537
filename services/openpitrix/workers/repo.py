"""Reading indices when they are due, and sweeping apps of repositories that are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from libs.shared.errors import Fault
from libs.shared.service import Worker
from libs.shared.store.protocol import Equal, Find
from services.openpitrix.clients.charts import Shelf
from services.openpitrix.commands import repo as commands
from services.openpitrix.commands.category import keep_uncategorized
from services.openpitrix.domain import app as apps
from services.openpitrix.domain import version as versions
from services.openpitrix.domain.app import App
from services.openpitrix.domain.category import Attachment
from services.openpitrix.domain.chart import Entry
from services.openpitrix.domain.repo import Repo
from services.openpitrix.domain.version import Version
from services.openpitrix.parts import Parts
from services.openpitrix.queries import repo as queries

AT_ONCE = 4
POLL = 60.0
HOUR = 3600.0


async def read_indices(parts: Parts) -> None:
    """Read what is due, for ever; rung when a repository is added, changed or asked for."""
    while True:
        due = await queries.due_repos(parts.store, parts.clock(), AT_ONCE)
        if due:
            await asyncio.gather(*(read_index(repo, parts) for repo in due))
        else:
            await parts.desk.bells.repos.wait(await _until_due(parts))


async def _until_due(parts: Parts) -> float:
    due = await queries.next_due(parts.store, parts.clock())
    waits = POLL if due is None else (due - parts.clock()).total_seconds()
    return min(max(waits, 0.01), POLL)


async def read_index(repo: Repo, parts: Parts) -> None:
    """Read one, make its charts apps, and note how it went. What can't be read leaves what was read before."""
    try:
        shelf = await parts.desk.charts.index(repo.url, parts.desk.packages.login(repo))
    except Fault as fault:
        parts.journal.index(repo.id, fault.slug)
        pause = min(parts.settings.retry_first * 2.0 ** min(repo.failures, 20), parts.settings.retry_most)
        await parts.store.transact(
            commands.note_failed,
            repo.id,
            repo.wish,
            slug=fault.slug,
            message=fault.public or fault.text,
            pause=pause,
            at=parts.clock(),
        )
        return
    parts.failpoints.hit("store.index-read")
    count = await _shelve(repo, shelf, parts)
    parts.journal.index(repo.id)
    await parts.store.transact(
        commands.note_read, repo.id, repo.wish, charts=len(shelf.charts), versions=count, at=parts.clock()
    )


async def _shelve(repo: Repo, shelf: Shelf, parts: Parts) -> int:
    """Make apps and versions what the index says, chart by chart; how many versions there are. May be run again."""
    count = 0
    for name, entries in shelf.charts.items():
        await _shelve_chart(repo, name, entries, parts)
        count += len(entries)
    kept = {apps.app_of(repo.id, name) for name in shelf.charts}
    for app in await queries.apps_of(parts.store, repo.id):
        if app.id not in kept:
            await drop_app(app, parts)
    return count


async def _shelve_chart(repo: Repo, name: str, entries: Sequence[Entry], parts: Parts) -> None:
    app, at = apps.app_of(repo.id, name), parts.clock()
    standing = {one.id: one for one in await queries.versions_of(parts.store, app)}
    said = [
        versions.indexed(repo.id, app, e, workspace=repo.workspace, owner=repo.creator, at=_made(e, at))
        for e in entries
    ]
    changed = [one for one in said if _differs(standing.get(one.id), one)]
    gone = [one for one in standing if one not in {kept.id for kept in said}]
    kept = apps.indexed(repo.id, said, workspace=repo.workspace, owner=repo.creator, at=at)
    if changed or gone or await _renamed(kept, parts):
        await parts.store.transact(commands.keep_chart, repo.id, kept, changed, gone)


async def _renamed(app: App, parts: Parts) -> bool:
    """Whether the app isn't there, or belongs to somebody else by now."""
    standing = await parts.store.of(App).look(app.id)
    return standing is None or (standing.workspace, standing.latest) != (app.workspace, app.latest)


def _made(entry: Entry, at: datetime) -> datetime:
    """When the version was made, as the index says; now, when it says nothing that can be read."""
    try:
        made = datetime.fromisoformat(
            entry.created[:26].rstrip("Z") + "+00:00" if entry.created.endswith("Z") else entry.created
        )
    except ValueError:
        return at
    return made if made.tzinfo is not None else at


def _differs(standing: Version | None, said: Version) -> bool:
    if standing is None:
        return True
    moments = {"created_at": standing.created_at, "updated_at": standing.updated_at, "state_at": standing.state_at}
    return standing != said.model_copy(update=moments)


async def drop_app(app: App, parts: Parts) -> None:
    """Forget an app of a repository with its versions, a bounded number in a unit."""
    names = [one.id for one in await queries.versions_of(parts.store, app.id)]
    for start in range(0, max(len(names), 1), queries.PAGE):
        await parts.store.transact(commands.drop_chart, app.id, names[start : start + queries.PAGE])


async def sweep_apps(parts: Parts) -> None:
    """Forget apps of repositories that are gone, and packages that no version has any more: rung at a removal, and
    once an hour.
    """
    await parts.store.transact(keep_uncategorized)
    while True:
        await sweep_blobs(parts)
        after = None
        while after != "":
            known = {repo.id for repo in await parts.store.of(Repo).find()}
            gone, after = await queries.orphaned(parts.store, tuple(known), after or "")
            for app in gone:
                if await parts.store.of(Repo).look(app.repo) is None:  # one may have been added since
                    await drop_app(app, parts)
        await parts.desk.bells.swept.wait(HOUR)


async def sweep_blobs(parts: Parts) -> None:
    """Remove what is no version's package and nobody's picture; what came within the hour may be about to be one."""
    blobs = parts.desk.blobs
    for digest in await blobs.kept_before(parts.clock().timestamp() - HOUR):
        named = Find((Equal("digest", digest),))
        if not await parts.store.of(Version).count(named) and not await parts.store.of(Attachment).count(named):
            await blobs.drop(digest)


WORKERS = (Worker("read-indices", read_indices), Worker("sweep-apps", sweep_apps))
