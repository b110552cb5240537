"""Helm 4, a child process a call (helm_child.py): as the user, bounded in time and output, and gone when we are."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from libs.shared.errors import Broken, Busy, Denied, Fault, Invalid
from libs.shared.private import write_private
from libs.shared.values import Ids
from services.openpitrix.clients.child import Call, called
from services.openpitrix.domain.release import Release

CHILD: Final = Path(__file__).with_name("helm_child.py")
PATIENCE: Final = 15.0
"""Seconds that a call may take beside what Helm itself waits for."""
HOMES: Final = ("HOME", "TMPDIR", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")
LARGEST: Final = 8 << 20
LONGEST: Final = 2000
UNREACHABLE: Final = ("cluster unreachable", "connection refused", "no such host", "i/o timeout", "EOF")
FORBIDDEN: Final = ("is forbidden:", "cannot get resource", "forbidden: User")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release has made, as Helm rendered it, and its revision."""

    text: str
    revision: int


class Helm:
    """Calls Helm, a bounded number of times at once."""

    def __init__(self, folder: Path, ids: Ids, at_once: int) -> None:
        self._folder, self._ids = folder, ids
        self._turns = asyncio.Semaphore(at_once)

    async def ensure(self, release: Release, package: bytes, kubeconfig: Mapping[str, Any], seconds: float) -> Manifest:
        """Bring the release about: installed, upgraded, or as it is. Returns when its workloads are ready.

        Raises `Invalid` for a chart or values that don't do, `Denied` for what the user may not, `Busy` for a cluster
        that can't be reached, `Broken` for what Helm could not bring about.
        """
        asked = {
            "do": "ensure",
            "values": release.values,
            "wish": str(release.wish),
            "description": f"{release.work} of {release.chart.name} {release.chart.version}",
        }
        answer = await self._call(release, asked, kubeconfig, seconds, package)
        return Manifest(str(answer["manifest"]), int(answer["revision"]))

    async def remove(self, release: Release, kubeconfig: Mapping[str, Any], seconds: float) -> None:
        """Take the release out of the cluster; nothing, when it isn't there. Raises as `ensure`."""
        await self._call(release, {"do": "remove"}, kubeconfig, seconds, b"")

    async def sweep(self) -> None:
        """Remove what calls have left that were cut off with a process that is gone."""
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _call(
        self,
        release: Release,
        asked: Mapping[str, Any],
        kubeconfig: Mapping[str, Any],
        seconds: float,
        package: bytes,
    ) -> dict[str, Any]:
        async with self._turns, self._room() as room:
            chart, config = room / "chart.tgz", room / "kubeconfig"
            await asyncio.to_thread(_laid, chart, package, config, orjson.dumps(kubeconfig))
            sent = {
                **asked,
                "name": release.name,
                "namespace": release.namespace,
                "owner": release.id,
                "chart": str(chart),
                "kubeconfig": str(config),
                "seconds": max(1, int(seconds)),
            }
            home = dict.fromkeys(HOMES, str(room))
            limits = {"GOMEMLIMIT": "512MiB", "GOMAXPROCS": "2"}
            call = Call(CHILD, (), orjson.dumps(sent), seconds * 2 + PATIENCE, LARGEST, home | limits)
            answer = orjson.loads(await called(call))
        if "error" in answer:
            raise fault_of(str(answer["error"]), str(answer["text"]))
        return dict(answer["ok"])

    @asynccontextmanager
    async def _room(self) -> AsyncIterator[Path]:
        """A private folder for one call."""
        room = self._folder / self._ids()
        try:
            await asyncio.to_thread(room.mkdir, mode=0o700, parents=True)
        except OSError as error:
            raise Busy("helm-folder", f"{room} can't be made: {error.strerror}") from error
        try:
            yield room
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, room, ignore_errors=True))


def _laid(chart: Path, package: bytes, config: Path, kubeconfig: bytes) -> None:
    try:
        write_private(chart, package)
        write_private(config, kubeconfig)
    except OSError as error:
        raise Busy("helm-folder", f"{chart.parent} can't be written: {error.strerror}") from error


def fault_of(kind: str, text: str) -> Fault:
    """What Helm's error means here; its words are for whoever asked for the release."""
    said = text.strip()[:LONGEST]
    if any(word in said for word in FORBIDDEN):
        return Denied("release-forbidden", said)
    if kind == "HelmKubeError" or any(word in said for word in UNREACHABLE):
        return Busy("cluster-unreachable", said, retry_after=1)
    if kind == "foreign":
        return Invalid("release-foreign", said)
    if kind in ("HelmChartLoadError", "HelmChartInvalidError"):
        return Invalid("chart", said)
    if kind in ("HelmValuesError", "HelmRenderError", "HelmInvalidArgError"):
        return Invalid("values", said)
    return Broken("helm", said, public=said)
