"""The collaborators that outer functions are handed."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import Counter

from libs.shared.errors import Fault
from libs.shared.store.protocol import Store
from libs.shared.telemetry import Telemetry
from libs.shared.values import Clock
from services.mesh.clients.istio import Api
from services.mesh.domain.component import Key
from services.mesh.domain.traces import Traces
from services.mesh.domain.view import View
from services.mesh.settings import MeshSettings


class Journal:
    """What is logged and counted of routing."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._log = telemetry.log
        self._written = Counter(
            "orrery_mesh_writes", "Objects of Istio's that were written.", ("kind",), registry=telemetry.registry
        )
        self._failures = Counter(
            "orrery_mesh_failures", "Times that a service's routing could not be written.", registry=telemetry.registry
        )

    def wrote(self, kind: str) -> None:
        """An object was made or changed."""
        self._written.labels(kind).inc()

    def unfollowed(self, plural: str, fault: Fault) -> None:
        """A kind could not be followed."""
        self._log.warning("not followed", resource=plural, slug=fault.slug, reason=fault.text)

    def failed(self, key: Key, fault: Fault) -> None:
        """A service's routing could not be written."""
        self._failures.inc()
        self._log.warning("routing not written", service="/".join(key), slug=fault.slug, reason=fault.text)

    def doubled(self, key: Key, kind: str) -> None:
        """More of a kind want something of one component than can be carried out."""
        self._log.warning(
            "routing left as it is", service="/".join(key), reason=f"more than one {kind} of its component"
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """What rest, workers and followers work with."""

    store: Store
    clock: Clock
    settings: MeshSettings
    kube: Api
    view: View
    journal: Journal
    traces: Traces
