"""The alerting service as a value, and how its parts are opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.shared.contracts.alerting_v1 import EVENTS
from libs.shared.service import Host, Service
from services.alerting.clients.monitoring import Monitoring
from services.alerting.domain.episode import Episode
from services.alerting.domain.group import ClusterRuleGroup, GlobalRuleGroup, RuleGroup
from services.alerting.domain.project import Project
from services.alerting.domain.resource import GROUP, NOUNS
from services.alerting.domain.standing import Standing
from services.alerting.kinds import KINDS
from services.alerting.parts import Journal, News, Parts
from services.alerting.reactions import FOLLOWS, REACTIONS
from services.alerting.rest import ROUTES
from services.alerting.settings import AlertingSettings
from services.alerting.workers import WORKERS

DOCUMENTS = (RuleGroup, ClusterRuleGroup, GlobalRuleGroup, Standing, Episode, Project)


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Parts]:
    """The parts; nothing of them has to be closed."""
    settings: AlertingSettings = host.settings
    yield Parts(
        store=host.store,
        clock=host.clock,
        ids=host.ids,
        settings=settings,
        metrics=Monitoring(host.calls, settings.query_seconds),
        journal=Journal(host.telemetry),
        news=News(host.clock),
    )


SERVICE = Service(
    name="alerting",
    about="Rules over the platform's series: evaluated at their intervals, told when they fire and when it is over.",
    settings=AlertingSettings,
    open=opened,
    documents=DOCUMENTS,
    publishes=EVENTS,
    routes=ROUTES,
    kinds=KINDS,
    reactions=REACTIONS,
    follows=FOLLOWS,
    workers=WORKERS,
    groups={name: GROUP for noun in NOUNS.values() for name in (noun.plural, noun.kind)} | {"alerts": GROUP},
)
