"""What a release has made, as it stands in the cluster; and whose project a namespace is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from libs.shared.errors import Fault, Missing
from libs.shared.kube.client import Kube
from services.openpitrix.domain.release import Made

WORKSPACE: Final = "kubesphere.io/workspace"
MOST: Final = 100
AT_ONCE: Final = 8
HIDDEN: Final = ""


class Objects:
    """Reads the cluster in the service's own name: what is asked for was decided by the gateway."""

    def __init__(self, cluster: Kube) -> None:
        self._cluster = cluster

    async def workspace_of(self, namespace: str) -> str:
        """The workspace that a namespace belongs to, empty for none. Raises `Missing`, `Busy`."""
        found = await self._cluster.get(f"/api/v1/namespaces/{namespace}")
        return str((found["metadata"].get("labels") or {}).get(WORKSPACE, ""))

    async def live(self, made: Sequence[Made], namespace: str) -> list[dict[str, Any]]:
        """Those of these that stand in the release's own namespace, in order, a bounded number; Secrets without what
        they hold. What can't be read is left out.
        """
        wanted = [one for one in made if one.namespace in ("", namespace)][:MOST]
        plurals = await self._plurals({one.api_version for one in wanted})
        turns = asyncio.Semaphore(AT_ONCE)

        async def read(one: Made) -> dict[str, Any] | None:
            plural = plurals.get((one.api_version, one.kind))
            if plural is None:
                return None
            async with turns:
                try:
                    found = await self._cluster.get(
                        f"{_at(one.api_version)}/namespaces/{namespace}/{plural}/{one.name}"
                    )
                except Fault:
                    return None
            return _shown({"apiVersion": one.api_version, "kind": one.kind, **found})

        return [found for found in await asyncio.gather(*map(read, wanted)) if found is not None]

    async def _plurals(self, versions: set[str]) -> Mapping[tuple[str, str], str]:
        """The plural of each namespaced kind of these API versions."""
        found = {}
        for version in sorted(versions):
            try:
                listed = await self._cluster.get(_at(version))
            except Missing:
                continue
            for one in listed.get("resources") or ():
                if one.get("namespaced") and "/" not in one["name"]:
                    found[version, one["kind"]] = one["name"]
        return found


def _at(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    found["metadata"].pop("managedFields", None)
    if found["kind"] == "Secret":
        for key in ("data", "stringData"):
            if key in found:
                found[key] = dict.fromkeys(found[key], HIDDEN)
    return found
