"""Archives of chart versions, wherever they are: with us, or in the repository that they come from."""

from __future__ import annotations

from libs.shared.errors import Missing
from libs.shared.sealing import Sealer
from libs.shared.store.protocol import Store
from services.openpitrix.clients.blobs import Blobs
from services.openpitrix.clients.charts import Charts
from services.openpitrix.domain.access import Login, read
from services.openpitrix.domain.repo import Repo, belongs
from services.openpitrix.domain.version import Version


class Packages:
    """Finds them."""

    def __init__(self, store: Store, charts: Charts, blobs: Blobs, sealer: Sealer) -> None:
        self._store, self._charts, self._blobs, self._sealer = store, charts, blobs, sealer

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
