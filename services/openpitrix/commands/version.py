"""Uploaded versions: added, changed, removed, and moved on their way into the store."""

from __future__ import annotations

from datetime import datetime

from libs.shared.errors import Limited
from libs.shared.store.protocol import Equal, Find, Unit
from services.openpitrix.commands.app import settle
from services.openpitrix.domain import app as apps
from services.openpitrix.domain import version as versions
from services.openpitrix.domain.app import App
from services.openpitrix.domain.naming import missing
from services.openpitrix.domain.version import State, Version


async def add_version(unit: Unit, version: Version, *, most: int, at: datetime) -> None:
    """Keep a new one of an app; raises `Missing`, `Denied` for a repository's, `Exists`, and `Limited`."""
    app = await unit.of(App).look(version.app)
    if app is None:
        raise missing("helmapplication", version.app)
    if app.repo:
        raise apps.immutable(app)
    await _require_free(unit, version)
    if await unit.of(Version).count(Find((Equal("app", version.app),))) >= most:
        raise Limited("versions-most", f"an app has at most {most} versions")
    kept = await unit.of(Version).add(version)
    unit.emit(versions.created(kept), subject=apps.subject(kept.app), workspace=kept.workspace, about=kept)
    await settle(unit, version.app, at)


async def describe_version(unit: Unit, name: str, *, title: str, description: str | None, at: datetime) -> None:
    """Another name or description; raises `Missing`, `Invalid`, `Exists`, and `Conflict` for a repository's."""
    before = await _get(unit, name)
    after = versions.describe(before, name=title, description=description, at=at)
    if after.called != before.called:
        await _require_free(unit, after)
    await unit.of(Version).put(after)
    await settle(unit, after.app, at)


async def repack_version(unit: Unit, name: str, fresh: Version, *, at: datetime) -> str:
    """Another package of the same chart, while it is a draft; the digest of the former one. Raises `Missing`,
    `Conflict`, `Exists`.
    """
    before = await _get(unit, name)
    if before.repo or before.state is not State.DRAFT:
        raise versions.not_permitted()
    if before.chart.name != fresh.chart.name:
        raise versions.other_chart(fresh.chart.name, before.chart.name)
    changed = {"chart": fresh.chart, "called": fresh.called, "digest": fresh.digest, "size": fresh.size}
    after = before.model_copy(update={**changed, "updated_at": at})
    if after.called != before.called:
        await _require_free(unit, after)
    await unit.of(Version).put(after)
    await settle(unit, after.app, at)
    return before.digest


async def delete_version(unit: Unit, name: str, *, by: str, at: datetime) -> str:
    """Forget one that isn't active; the digest of its package. Raises `Missing`, and `Conflict` for one that is, or is
    a repository's.
    """
    version = await _get(unit, name)
    if version.state is State.ACTIVE or version.repo:
        raise versions.not_permitted()
    await unit.of(Version).drop(name)
    told = versions.deleted(version, by=by)
    unit.emit(told, subject=apps.subject(version.app), workspace=version.workspace, about=version)
    await settle(unit, version.app, at)
    return version.digest


async def act_on_version(unit: Unit, name: str, action: str, message: str, *, by: str, at: datetime) -> None:
    """One step on its way; raises `Missing`, `Malformed` and `Conflict`."""
    version, told = versions.act(await _get(unit, name), action, message, by=by, at=at)
    kept = await unit.of(Version).put(version)
    unit.emit(told, subject=apps.subject(kept.app), workspace=kept.workspace, about=kept)
    await settle(unit, kept.app, at)


async def act_on_app(unit: Unit, name: str, action: str, message: str, *, by: str, at: datetime) -> None:
    """Suspend or recover all the versions of an app at once; raises `Missing`, `Denied`, and `Malformed` where there is
    none that this can be done to.
    """
    app = await unit.of(App).look(name)
    if app is None:
        raise missing("helmapplication", name)
    if app.repo:
        raise apps.immutable(app)
    meant = {"suspend": State.ACTIVE, "recover": State.SUSPENDED}.get(action)
    found = [one for one in await unit.of(Version).find(Find((Equal("app", name),))) if one.state is meant]
    if not found:
        raise versions.unknown_action()
    for one in found:
        version, told = versions.act(one, action, message, by=by, at=at)
        kept = await unit.of(Version).put(version)
        unit.emit(told, subject=apps.subject(name), workspace=kept.workspace, about=kept)
    await settle(unit, name, at)


async def _get(unit: Unit, name: str) -> Version:
    version = await unit.of(Version).look(name)
    if version is None:
        raise missing("helmapplicationversion", name)
    return version


async def _require_free(unit: Unit, version: Version) -> None:
    if await unit.of(Version).find(Find((Equal("called", version.called),), limit=1)):
        raise versions.taken()
