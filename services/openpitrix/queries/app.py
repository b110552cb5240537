"""Apps and their versions, as far as somebody sees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from libs.shared.errors import Missing
from libs.shared.store.protocol import Equal, Find, OneOf, Store
from services.openpitrix.domain import semver
from services.openpitrix.domain.app import App
from services.openpitrix.domain.category import Category
from services.openpitrix.domain.naming import STORE_REPO, STORE_SUFFIX, missing, plain_app
from services.openpitrix.domain.repo import Repo
from services.openpitrix.domain.sight import Sight
from services.openpitrix.domain.version import Version

CHUNK = 200


async def apps_in_repo(store: Store, name: str, sight: Sight) -> list[App]:
    """Apps of a repository, or of the store itself (`repo-helm`). Raises `Missing` for one that he doesn't see."""
    if name != STORE_REPO:
        repo = await store.of(Repo).look(name)
        if repo is None or not sight.sees_repo(repo):
            raise Missing("repo-unknown", "load repo info failed", name=name)
    found = await store.of(App).find(Find((Equal("repo", name),)))
    return [app for app in found if sight.sees(app)]


async def own_apps(store: Store, workspace: str) -> list[App]:
    """What a workspace has uploaded."""
    return await store.of(App).find(Find((Equal("workspace", workspace), Equal("repo", ""))))


async def uploaded_apps(store: Store, sight: Sight) -> list[App]:
    """What was uploaded by all the workspaces that he sees."""
    found = await store.of(App).find(Find((Equal("repo", ""),)))
    return [app for app in found if sight.sees(app)]


async def see_app(store: Store, name: str, sight: Sight) -> App:
    """One that he sees. Raises `Missing` for any other, in the same words."""
    app = await store.of(App).look(name)
    if app is None or not sight.sees(app):
        raise missing("helmapplication", name)
    return app


async def versions_of(store: Store, name: str, sight: Sight) -> list[Version]:
    """Those that he sees of an app, the oldest first. One that he sees by its copy in the store alone counts as that.
    Raises `Missing`.
    """
    app = await store.of(App).look(name)
    if app is None or not sight.sees(app):
        app = await see_app(store, plain_app(name) + STORE_SUFFIX, sight)
    found = await store.of(Version).find(Find((Equal("app", plain_app(name)),)))
    seen = sight.versions(app, found)
    return sorted(seen, key=lambda one: (semver.order(one.chart.version), one.created_at, one.id))


async def see_version(store: Store, app: str, name: str, sight: Sight) -> Version:
    """One version of an app; raises `Missing` for what he doesn't see, or what is another app's."""
    found = await store.of(Version).look(name)
    if found is None or found.app != plain_app(app):
        raise missing("helmapplicationversion", name)
    try:
        seen = await versions_of(store, app, sight)
    except Missing:
        raise missing("helmapplicationversion", name) from None
    if all(one.id != name for one in seen):
        raise missing("helmapplicationversion", name)
    return found


async def latest(store: Store, apps: Sequence[App]) -> Mapping[str, Version]:
    """The newest version of each of these, by its id."""
    names = [app.latest for app in apps if app.latest]
    found: list[Version] = []
    for start in range(0, len(names), CHUNK):
        found += await store.of(Version).find(Find((OneOf("id", tuple(names[start : start + CHUNK])),)))
    return {one.id: one for one in found}


async def categories_of(store: Store, apps: Sequence[App]) -> Mapping[str, Category]:
    """The categories that these are in, by their ids."""
    names = {app.category for app in apps if app.category}
    return {name: one for name in names if (one := await store.of(Category).look(name)) is not None}


async def reviews(store: Store, states: Collection[str] | None, keyword: str) -> list[tuple[Version, str]]:
    """Uploaded versions that have taken a step, each with what its app is called, by the moment of its last one."""
    found = [one for one in await store.of(Version).find(Find((Equal("repo", ""),))) if one.audits]
    kept = [one for one in found if states is None or one.state in states]
    called = {name: await store.of(App).look(name) for name in {one.app for one in kept}}
    named = [(one, app.name) for one in kept if (app := called[one.app]) is not None]
    meant = [(one, name) for one, name in named if keyword in name.lower() or keyword in one.chart.name.lower()]
    return sorted(meant, key=lambda pair: (pair[0].audits[0].at, pair[0].id))
