"""The collaborators that outer functions are handed."""

from __future__ import annotations

from dataclasses import dataclass

from libs.shared.store.protocol import Store
from libs.shared.values import Clock
from services.openpitrix.settings import OpenpitrixSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """What rest and workers work with."""

    store: Store
    clock: Clock
    settings: OpenpitrixSettings
