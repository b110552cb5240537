"""Reading what the cluster knows of a namespace."""

from __future__ import annotations

from datetime import UTC, datetime

from libs.shared.errors import Broken, Malformed, Missing
from libs.shared.kube.client import Kube
from services.monitoring.domain.moment import Moments, since


async def clipped(cluster: Kube, namespace: str, when: Moments) -> Moments | None:
    """Without what lies before the namespace was made: data of one that had its name. None when nothing is left.

    Raises `Malformed` when there is no such namespace (spec 1.2).
    """
    try:
        found = await cluster.get(f"/api/v1/namespaces/{namespace}")
    except Missing:
        raise Malformed("namespace-missing", f'namespaces "{namespace}" not found') from None
    return since(when, created(found.get("metadata", {}).get("creationTimestamp", "")))


def created(text: str) -> int:
    """An object's creation in milliseconds; raises `Broken`."""
    try:
        return round(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)
    except ValueError as error:
        raise Broken("namespace-time", "the cluster told no time of a namespace's creation") from error
