"""Bunches that are to be told, and who there is to tell."""

from __future__ import annotations

from datetime import datetime, timedelta

from libs.shared.store.protocol import Equal, Find, Range, Store
from services.notification.domain.config import config_for, has_server
from services.notification.domain.object import Config, Receiver, Router, Silence
from services.notification.domain.signal import Bunch
from services.notification.domain.target import Standing

INSTANT = timedelta(microseconds=1)
AT_ONCE = 50


async def due_bunches(store: Store, at: datetime, wait: float, review: float) -> list[Bunch]:
    """Those in which something has changed so many seconds ago, and those that nobody has looked at for long."""
    changed = (Equal("waiting", value=True), Range("since", high=at - timedelta(seconds=wait) + INSTANT))
    old = (Equal("waiting", value=False), Range("since", high=at - timedelta(seconds=review)))
    found = await store.of(Bunch).find(Find(changed, "since", AT_ONCE))
    return found + await store.of(Bunch).find(Find(old, "since", AT_ONCE))


async def next_bunch(store: Store) -> datetime | None:
    """Since when the first one waits."""
    found = await store.of(Bunch).find(Find((Equal("waiting", value=True),), "since", 1))
    return found[0].since if found else None


async def standing_of(store: Store) -> Standing:
    """Receivers, routers and silences."""
    return Standing(await store.of(Receiver).find(), await store.of(Router).find(), await store.of(Silence).find())


async def mail_configs(store: Store, standing: Standing) -> dict[str, str]:
    """By which config each receiver's letters go; none is named where the platform's own mail server is to do."""
    configs = await store.of(Config).find()
    chosen = {one.name: config_for(configs, one, "email") for one in standing.receivers if one.part("email")}
    return {name: config.name for name, config in chosen.items() if config is not None and has_server(config)}
