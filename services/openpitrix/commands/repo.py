"""Repositories: added, changed, removed, and noted as read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from libs.shared.errors import Limited
from libs.shared.store.protocol import Equal, Find, Unit
from services.openpitrix.domain import repo as repos
from services.openpitrix.domain.app import App
from services.openpitrix.domain.naming import missing
from services.openpitrix.domain.repo import Repo, RepoWish
from services.openpitrix.domain.version import Version


async def add_repo(unit: Unit, repo: Repo, *, most: int) -> Repo:
    """Keep a new one; raises `Exists` for a name that the workspace has, `Limited` for one too many."""
    await _require_free(unit, repo)
    if await unit.of(Repo).count(Find((Equal("workspace", repo.workspace),))) >= most:
        raise Limited("repos-most", f"a workspace has at most {most} repositories")
    kept = await unit.of(Repo).add(repo)
    unit.emit(repos.added(kept), subject=repos.subject(kept.id), workspace=kept.workspace, about=kept)
    return kept


async def change_repo(
    unit: Unit, name: str, wish: RepoWish, *, workspace: str, credential: str, by: str, at: datetime
) -> Repo:
    """Change one of this workspace; raises `Missing`, `Exists` and `Malformed`."""
    before = await _own(unit, name, workspace)
    after = repos.change(before, wish, credential=credential, at=at)
    if after.place != before.place:
        await _require_free(unit, after)
    kept = await unit.of(Repo).put(after)
    unit.emit(repos.changed(kept, by=by), subject=repos.subject(kept.id), workspace=kept.workspace, about=kept)
    return kept


async def ask_sync(unit: Unit, name: str, *, workspace: str, at: datetime) -> Repo:
    """Have its index read again; raises `Missing`."""
    return await unit.of(Repo).put(repos.ask(await _own(unit, name, workspace), at))


async def delete_repo(unit: Unit, name: str, *, workspace: str, by: str) -> None:
    """Forget one of this workspace; the sweeper takes its apps. One that isn't there is passed over."""
    repo = await unit.of(Repo).look(name)
    if repo is None or repo.workspace != workspace:
        return
    await drop_repo(unit, repo, by=by)


async def drop_repo(unit: Unit, repo: Repo, *, by: str) -> None:
    """Forget it."""
    await unit.of(Repo).drop(repo.id)
    unit.emit(repos.deleted(repo, by=by), subject=repos.subject(repo.id), workspace=repo.workspace, about=repo)


async def drop_repos_of(unit: Unit, workspace: str, *, by: str) -> None:
    """Forget those of a workspace that is gone."""
    for repo in await unit.of(Repo).find(Find((Equal("workspace", workspace),))):
        await drop_repo(unit, repo, by=by)


async def keep_chart(unit: Unit, repo: str, app: App, versions: Sequence[Version], gone: Sequence[str]) -> None:
    """Keep what an index says of one chart; nothing, when the repository is gone."""
    if await unit.of(Repo).look(repo) is None:
        return
    standing = await unit.of(App).look(app.id)
    await unit.of(App).put(app if standing is None else app.model_copy(update=_past(standing)))
    for version in versions:
        await unit.of(Version).put(version)
    for name in gone:
        if await unit.of(Version).look(name) is not None:
            await unit.of(Version).drop(name)


async def drop_chart(unit: Unit, app: str, versions: Sequence[str]) -> None:
    """Forget an app of a repository, with these versions of it."""
    for name in versions:
        if await unit.of(Version).look(name) is not None:
            await unit.of(Version).drop(name)
    if await unit.of(App).look(app) is not None:
        await unit.of(App).drop(app)


async def note_read(unit: Unit, name: str, wish: int, *, charts: int, versions: int, at: datetime) -> None:
    """Its index was read as of this wish; nothing, when it is gone."""
    repo = await unit.of(Repo).look(name)
    if repo is None:
        return
    kept, told = repos.read_well(repo, wish, at=at, charts=charts, versions=versions)
    kept = await unit.of(Repo).put(kept)
    unit.emit(told, subject=repos.subject(name), workspace=kept.workspace, about=kept)


async def note_failed(unit: Unit, name: str, wish: int, *, slug: str, message: str, pause: float, at: datetime) -> None:
    """It could not be read; told when that is news, or when somebody has asked."""
    repo = await unit.of(Repo).look(name)
    if repo is None:
        return
    news = repo.failures == 0 or repo.wish > repo.done
    kept, told = repos.read_badly(repo, wish, at=at, slug=slug, message=message, pause=pause)
    kept = await unit.of(Repo).put(kept)
    if news:
        unit.emit(told, subject=repos.subject(name), workspace=kept.workspace, about=kept)


async def _own(unit: Unit, name: str, workspace: str) -> Repo:
    repo = await unit.of(Repo).look(name)
    if repo is None or repo.workspace != workspace:
        raise missing("helmrepos", name)
    return repo


async def _require_free(unit: Unit, repo: Repo) -> None:
    if await unit.of(Repo).find(Find((Equal("place", repo.place),), limit=1)):
        raise repos.taken(repo.name)


def _past(standing: App) -> dict[str, object]:
    return {"created_at": standing.created_at, "state_at": standing.state_at}
