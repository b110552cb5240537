"""Archives of chart versions, wherever they are: with us, or in the repository that they come from."""

from __future__ import annotations

import asyncio
from typing import Final

from libs.shared.errors import Invalid, Missing, TooLarge
from libs.shared.sealing import Sealer
from libs.shared.store.protocol import Store
from services.openpitrix.clients.archive import unpacked
from services.openpitrix.clients.blobs import Blobs
from services.openpitrix.clients.charts import Charts
from services.openpitrix.clients.yamls import read_document
from services.openpitrix.domain.access import Login, read
from services.openpitrix.domain.chart import Chart
from services.openpitrix.domain.chart import read as described
from services.openpitrix.domain.repo import Repo, belongs
from services.openpitrix.domain.version import Version
from services.openpitrix.settings import OpenpitrixSettings

CHART: Final = "Chart.yaml"
LARGEST_CHART: Final = 256 << 10
SECONDS: Final = 10.0


class Packages:
    """Finds them."""

    def __init__(
        self, store: Store, charts: Charts, blobs: Blobs, sealer: Sealer, settings: OpenpitrixSettings
    ) -> None:
        self._store, self._charts, self._blobs, self._sealer = store, charts, blobs, sealer
        self._settings = settings

    def login(self, repo: Repo) -> Login | None:
        """How a repository is entered; raises `Broken` when the credential can't be opened."""
        return read(self._sealer.unseal(repo.credential, belongs(repo.id))) if repo.credential else None

    async def of(self, version: Version) -> bytes:
        """The archive. Raises `Missing` when it is gone, and what egress raises."""
        if not version.repo:
            return await self._blobs.get(version.digest)
        repo = await self._store.of(Repo).look(version.repo)
        if repo is None:
            raise Missing("repo-gone", f"the repository of {version.chart.package} is gone")
        return await self._charts.package(repo.url, self.login(repo), version.urls, version.digest)

    async def by_id(self, version: str) -> bytes:
        """The archive of the version of this id; raises as `of`."""
        found = await self._store.of(Version).look(version)
        if found is None:
            raise Missing("version-gone", "the version is no longer in its repository, or was deleted")
        return await self.of(found)

    async def files(self, version: Version) -> dict[str, bytes]:
        """The files of a version by their paths; raises as `of`, and `Malformed` for what is no archive."""
        return await asyncio.to_thread(unpacked, await self.of(version), self._settings.unpacked_bytes)

    async def inspected(self, data: bytes) -> Chart:
        """What an archive says of itself; raises `Malformed` and `Invalid` in Helm's words."""
        if len(data) > self._settings.chart_bytes:
            raise TooLarge("chart-too-large", f"a chart has at most {self._settings.chart_bytes} bytes")
        files = await asyncio.to_thread(unpacked, data, self._settings.unpacked_bytes)
        said = files.get(CHART)
        if said is None:
            raise Invalid("chart", "Chart.yaml file is missing")
        if len(said) > LARGEST_CHART:
            raise Invalid("chart", f"Chart.yaml has at most {LARGEST_CHART} bytes")
        found = await read_document(said, seconds=SECONDS)
        if not isinstance(found, dict):
            raise Invalid("chart", "Chart.yaml is no mapping")
        return described(found)
