"""Uploaded apps: made, described, removed; and the store's copies of them, which follow within the same unit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from libs.shared.errors import Limited
from libs.shared.store.protocol import Equal, Find, Unit
from services.openpitrix.domain import app as apps
from services.openpitrix.domain import version as versions
from services.openpitrix.domain.app import App
from services.openpitrix.domain.category import Category
from services.openpitrix.domain.naming import STORE_SUFFIX, missing
from services.openpitrix.domain.version import Version


async def create_app(unit: Unit, app: App, version: Version, *, most: int) -> None:
    """Keep a new one with its first version; raises `Exists`, and `Limited` for one too many."""
    await _require_free(unit, app.place)
    if await unit.of(App).count(Find((Equal("workspace", app.workspace), Equal("repo", "")))) >= most:
        raise Limited("apps-most", f"a workspace has at most {most} apps")
    kept = await unit.of(App).add(app)
    await unit.of(Version).add(version)
    unit.emit(apps.created(kept), subject=apps.subject(app.id), workspace=app.workspace, about=kept)
    unit.emit(versions.created(version), subject=apps.subject(app.id), workspace=app.workspace)


async def change_app(unit: Unit, name: str, changes: Mapping[str, object], *, by: str, at: datetime) -> None:
    """Say something else of it; raises `Missing` for no app or no such category, `Exists` for a name that is taken,
    `Denied` for one of a repository.
    """
    app = await _uploaded(unit, name)
    changed = dict(changes)
    called = changed.get("name")
    if isinstance(called, str) and called != app.name:
        changed["place"] = f"{app.workspace}/{called}"
        await _require_free(unit, str(changed["place"]))
    category = changed.get("category")
    if category and await unit.of(Category).look(str(category)) is None:
        raise missing("helmcategories", str(category))
    kept = await unit.of(App).put(app.model_copy(update={**changed, "updated_at": at}))
    unit.emit(apps.changed(kept, by=by), subject=apps.subject(name), workspace=kept.workspace, about=kept)
    await settle(unit, name, at)


async def delete_app(unit: Unit, name: str, *, by: str) -> None:
    """Forget one that has no versions any more; raises `Conflict` and `Denied`. One that isn't there is passed over."""
    if await unit.of(App).look(name) is None:
        return
    app = await _uploaded(unit, name)
    if await unit.of(Version).find(Find((Equal("app", name),), limit=1)):
        raise apps.owns_versions(app)
    await drop_app(unit, app, by=by)


async def drop_app(unit: Unit, app: App, *, by: str) -> None:
    """Forget it, and the store's copy of it."""
    await unit.of(App).drop(app.id)
    if await unit.of(App).look(app.id + STORE_SUFFIX) is not None:
        await unit.of(App).drop(app.id + STORE_SUFFIX)
    unit.emit(apps.deleted(app, by=by), subject=apps.subject(app.id), workspace=app.workspace, about=app)


async def drop_apps_of(unit: Unit, workspace: str, *, by: str) -> None:
    """Forget what a workspace that is gone had uploaded: all but what was released to the store, which others use."""
    for app in await unit.of(App).find(Find((Equal("workspace", workspace), Equal("repo", "")))):
        if await unit.of(App).look(app.id + STORE_SUFFIX) is not None:
            continue
        for version in await unit.of(Version).find(Find((Equal("app", app.id),))):
            await unit.of(Version).drop(version.id)
        await drop_app(unit, app, by=by)


async def settle(unit: Unit, name: str, at: datetime) -> None:
    """Make the app, and the store's copy of it, what its versions say by now."""
    app = await unit.of(App).look(name)
    if app is None:
        return
    found = await unit.of(Version).find(Find((Equal("app", name),)))
    app = await unit.of(App).put(apps.settled(app, found, at))
    standing = await unit.of(App).look(name + STORE_SUFFIX)
    copy = apps.copied(app, found, at, standing)
    if copy is not None:
        await unit.of(App).put(copy)
    elif standing is not None:
        await unit.of(App).drop(standing.id)


async def _uploaded(unit: Unit, name: str) -> App:
    app = await unit.of(App).look(name)
    if app is None:
        raise missing("helmapplication", name)
    if app.repo:
        raise apps.immutable(app)
    return app


async def _require_free(unit: Unit, place: str) -> None:
    if await unit.of(App).find(Find((Equal("place", place),), limit=1)):
        raise apps.taken()
