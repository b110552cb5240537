"""The collaborators that outer functions are handed."""

from __future__ import annotations

from dataclasses import dataclass

from libs.shared.store.protocol import Store
from libs.shared.values import Clock, Ids
from services.devops.domain.role import Seeds
from services.devops.settings import DevopsSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """What rest and workers work with."""

    store: Store
    clock: Clock
    ids: Ids
    settings: DevopsSettings
    seeds: Seeds
