"""What the store works with beside documents: the ways out, secrets, packages, and bells that wake the loops."""

from __future__ import annotations

from dataclasses import dataclass

from libs.shared.bell import Bell
from libs.shared.sealing import Sealer
from libs.shared.values import Clock, Ids
from services.openpitrix.clients.authority import Authority
from services.openpitrix.clients.blobs import Blobs
from services.openpitrix.clients.charts import Charts
from services.openpitrix.clients.helm import Helm
from services.openpitrix.clients.objects import Objects
from services.openpitrix.parts.packages import Packages


class Bells:
    """One a loop."""

    def __init__(self, clock: Clock) -> None:
        self.repos = Bell(clock)
        """An index is to be read."""
        self.swept = Bell(clock)
        """A repository is gone."""
        self.releases = Bell(clock)
        """A release is wanted, or wanted otherwise."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Of repositories and packages."""

    charts: Charts
    blobs: Blobs
    packages: Packages
    sealer: Sealer
    ids: Ids
    bells: Bells


@dataclass(frozen=True, slots=True)
class Site:
    """Of releases: where they stand, and who brings them about."""

    helm: Helm
    authority: Authority
    objects: Objects
