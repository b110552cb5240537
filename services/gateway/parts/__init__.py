"""The collaborators that rest and workers are handed."""

from __future__ import annotations

from dataclasses import dataclass

from libs.shared.bus.protocol import Bus
from libs.shared.kube.client import Kube
from libs.shared.values import Clock, Ids
from services.gateway.clients.accounts import Accounts
from services.gateway.clients.services import Services
from services.gateway.domain.route import Table
from services.gateway.parts.journal import Journal
from services.gateway.parts.memory import Memory
from services.gateway.parts.trail import Trail
from services.gateway.settings import GatewaySettings


@dataclass(frozen=True, slots=True)
class Parts:
    """What the outer functions of the gateway work with."""

    clock: Clock
    settings: GatewaySettings
    memory: Memory
    behind: Behind
    trail: Trail
    journal: Journal
    making: Making


@dataclass(frozen=True, slots=True)
class Behind:
    """What lies behind the gateway: the services, accounts among them by name, the cluster, and which path is whose."""

    services: Services
    accounts: Accounts
    cluster: Kube
    table: Table

    @property
    def others(self) -> tuple[str, ...]:
        """The services that have routes, but for the gateway itself."""
        return tuple(sorted({entry.service for entry in self.table.entries} - {"gateway"}))


@dataclass(frozen=True, slots=True)
class Making:
    """How audit records are made and told."""

    ids: Ids
    records: Bus
