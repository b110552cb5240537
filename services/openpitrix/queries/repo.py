"""Repositories, and what of them is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from libs.shared.store.protocol import Equal, Find, Range, Store
from services.openpitrix.domain.app import App
from services.openpitrix.domain.naming import missing
from services.openpitrix.domain.repo import Repo
from services.openpitrix.domain.version import Version

INSTANT = timedelta(microseconds=1)
PAGE = 500


async def get_repo(store: Store, name: str, workspace: str) -> Repo:
    """One of this workspace (empty: everybody's); raises `Missing`, whether another workspace has it or nobody."""
    repo = await store.of(Repo).look(name)
    if repo is None or repo.workspace != workspace:
        raise missing("helmrepos", name)
    return repo


async def repos_of(store: Store, workspace: str) -> list[Repo]:
    """Those of a workspace, or everybody's."""
    return await store.of(Repo).find(Find((Equal("workspace", workspace),)))


async def due_repos(store: Store, at: datetime, limit: int) -> list[Repo]:
    """Whose index is to be read, the longest due first."""
    return await store.of(Repo).find(Find((Range("due_at", low="", high=at + INSTANT),), "due_at", limit))


async def next_due(store: Store, at: datetime) -> datetime | None:
    """When the next one is due."""
    found = await store.of(Repo).find(Find((Range("due_at", low=at),), "due_at", 1))
    return found[0].due_at if found else None


async def apps_of(store: Store, repo: str) -> list[App]:
    """Every app of a repository."""
    return await store.of(App).find(Find((Equal("repo", repo),)))


async def versions_of(store: Store, app: str) -> list[Version]:
    """Every version of an app."""
    return await store.of(Version).find(Find((Equal("app", app),)))


async def orphaned(store: Store, known: Sequence[str], after: str) -> tuple[list[App], str]:
    """Apps of repositories that are gone, out of one page of all apps, and where the next page begins."""
    where = (Range("id", low=after),) if after else ()
    page = await store.of(App).find(Find(where, "id", PAGE))
    gone = [app for app in page if app.repo and not app.origin and app.repo not in known]
    return gone, page[-1].id + "\0" if len(page) == PAGE else ""
