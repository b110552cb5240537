"""Releases: asked for, changed, removed, and noted as they come about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from libs.shared.errors import Limited
from libs.shared.store.protocol import Equal, Find, Unit
from services.openpitrix.domain import release as releases
from services.openpitrix.domain.naming import missing
from services.openpitrix.domain.release import Cause, Made, Place, Release, ReleaseWish, Work
from services.openpitrix.domain.version import Version


async def request_release(
    unit: Unit, wish: ReleaseWish, version: Version, place: Place, *, identity: str, by: str, most: int, at: datetime
) -> Release:
    """Keep a new one; raises `Exists`, `Malformed`, and `Limited` for one too many."""
    release, told = releases.request(wish, version, place, _cause(unit, by), identity=identity, at=at)
    if await unit.of(Release).find(Find((Equal("place", release.place),), limit=1)):
        raise releases.taken(release.name)
    if await unit.of(Release).count(Find((Equal("namespace", release.namespace),))) >= most:
        raise Limited("releases-most", f"a project has at most {most} releases")
    kept = await unit.of(Release).add(release)
    unit.emit(told, subject=releases.subject(kept.id), workspace=kept.workspace, about=kept)
    return kept


async def upgrade_release(
    unit: Unit, name: str, version: Version, values: str, place: Place, *, by: str, at: datetime
) -> Release:
    """Have another version, or other values; raises `Missing` and `Conflict`."""
    release, told = releases.upgrade(await _own(unit, name, place), version, values, _cause(unit, by), at)
    kept = await unit.of(Release).put(release)
    unit.emit(told, subject=releases.subject(kept.id), workspace=kept.workspace, about=kept)
    return kept


async def describe_release(unit: Unit, name: str, description: str, place: Place) -> Release:
    """Say something else of one; raises `Missing`."""
    return await unit.of(Release).put(releases.describe(await _own(unit, name, place), description))


async def remove_release(unit: Unit, name: str, place: Place, *, by: str, at: datetime) -> None:
    """Have one taken out of the cluster. One that isn't in this place, or is going already, is passed over."""
    release = await unit.of(Release).look(name)
    if release is None or not _in(release, place) or release.state is releases.State.DELETING:
        return
    kept, told = releases.remove(release, _cause(unit, by), at)
    kept = await unit.of(Release).put(kept)
    unit.emit(told, subject=releases.subject(kept.id), workspace=kept.workspace, about=kept)


async def note_success(unit: Unit, name: str, wish: int, objects: Sequence[Made], *, at: datetime) -> None:
    """The wish was served: it stands, or it is gone. Nothing, when something else is wished by now."""
    release = await unit.of(Release).look(name)
    if release is None or release.wish != wish:
        return
    if release.work is Work.DELETE:
        await drop_release(unit, release)
        return
    kept, told = releases.succeed(release, objects, at)
    kept = await unit.of(Release).put(kept)
    unit.emit(told, subject=releases.subject(name), workspace=kept.workspace, about=kept)


async def note_failure(unit: Unit, name: str, wish: int, *, slug: str, message: str, at: datetime) -> None:
    """The wish came to nothing."""
    release = await unit.of(Release).look(name)
    if release is None or release.wish != wish:
        return
    kept, told = releases.fail(release, slug, message, at)
    kept = await unit.of(Release).put(kept)
    unit.emit(told, subject=releases.subject(name), workspace=kept.workspace, about=kept)


async def put_off_release(unit: Unit, name: str, wish: int, *, message: str, pause: float, at: datetime) -> None:
    """The wish can't be served now."""
    release = await unit.of(Release).look(name)
    if release is not None and release.wish == wish:
        await unit.of(Release).put(releases.put_off(release, message, pause, at))


async def drop_release(unit: Unit, release: Release) -> None:
    """Forget one that is gone from the cluster."""
    await unit.of(Release).drop(release.id)
    unit.emit(
        releases.deleted(release), subject=releases.subject(release.id), workspace=release.workspace, about=release
    )


async def drop_releases_in(unit: Unit, namespace: str) -> None:
    """Forget those of a project that is gone, and everything in it with it."""
    for release in await unit.of(Release).find(Find((Equal("namespace", namespace),))):
        await drop_release(unit, release)


async def _own(unit: Unit, name: str, place: Place) -> Release:
    release = await unit.of(Release).look(name)
    if release is None or not _in(release, place):
        raise missing("helmrelease", name)
    return release


def _in(release: Release, place: Place) -> bool:
    return (release.workspace, release.namespace) == (place.workspace, place.namespace)


def _cause(unit: Unit, by: str) -> Cause:
    return Cause(by, unit.cause.correlation, unit.cause.traceparent)
