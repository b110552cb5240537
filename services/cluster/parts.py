"""The collaborators that outer functions are handed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from prometheus_client import Counter, Gauge

from libs.shared.errors import Busy, Fault
from libs.shared.event import CAUSE, Cause, Told, current_cause
from libs.shared.store.protocol import Store
from libs.shared.telemetry import Telemetry
from libs.shared.values import Clock
from services.cluster.clients.kube import Api
from services.cluster.clients.people import People
from services.cluster.commands.fact import note_facts
from services.cluster.domain.fact import observed
from services.cluster.domain.project import BuiltIn
from services.cluster.domain.resource import TOLD
from services.cluster.domain.shelf import Key, Shelf
from services.cluster.settings import ClusterSettings

REMEMBERED = 4096
"""Events of which it is remembered what they told of."""


class Journal:
    """What is logged and counted of observing and of setting projects up."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self._log = telemetry.log
        self._facts = Counter("orrery_cluster_facts", "Facts that were told, new, changed or gone.", registry=registry)
        self._failures = Counter(
            "orrery_cluster_project_failures", "Times that a project could not be set up.", registry=registry
        )
        self.held = Gauge("orrery_cluster_objects", "Objects held in memory.", ("resource",), registry=registry)

    def told(self, count: int) -> None:
        """Facts were told."""
        self._facts.inc(count)

    def unfollowed(self, plural: str, fault: Fault) -> None:
        """A kind could not be followed."""
        self._log.warning("not followed", resource=plural, slug=fault.slug, reason=fault.text)

    def given_up(self, plural: str) -> None:
        """A kind has more objects than are held."""
        self._log.warning("not held", resource=plural, reason="too many: they are read from the cluster instead")

    def failed(self, project: str, fault: Fault) -> None:
        """A project, or a member of it, could not be set up."""
        self._failures.inc()
        self._log.warning("project not set up", project=project, slug=fault.slug, reason=fault.text)


class Facts:
    """What is held of namespaces, roles and bindings, noted and told. Which event told what last is remembered for a
    while: a request names the event that the gateway is to wait for, whoever was faster to note it.
    """

    def __init__(self, store: Store, shelf: Shelf, journal: Journal) -> None:
        self._store, self._shelf, self._journal = store, shelf, journal
        self._last: dict[Key, Told] = {}

    async def note(self, keys: Sequence[Key], *, sure: bool = False) -> None:
        """Tell of these where they differ from what was told."""
        cause = CAUSE.get(None) or Cause()
        before, token = len(cause.told), CAUSE.set(cause)
        try:
            seen = [observed(key, self._shelf.get(key)) for key in keys]
            told = await self._store.transact(note_facts, seen, sure=sure)
        finally:
            CAUSE.reset(token)
        self._journal.told(len(told))
        for key, event in zip(told, cause.told[before:], strict=False):
            self._last.pop(key, None)
            self._last[key] = event
        for old in list(islice(self._last, max(0, len(self._last) - REMEMBERED))):
            del self._last[old]

    async def name(self, *keys: Key) -> None:
        """The same within a request that has changed them: its answer names the events."""
        await self.note(keys)
        told = current_cause().told
        told += [self._last[key] for key in keys if key in self._last and self._last[key] not in told]


@dataclass(frozen=True, slots=True)
class Work:
    """What is at work besides: the roles of every project, what is told, and where it is written down what became of
    it.
    """

    roles: Sequence[BuiltIn]
    facts: Facts
    journal: Journal


@dataclass(frozen=True, slots=True)
class Parts:
    """What rest and workers work with."""

    store: Store
    clock: Clock
    settings: ClusterSettings
    kube: Api
    shelf: Shelf
    people: People
    work: Work


def followed(parts: Parts) -> Shelf:
    """What is held of namespaces, roles and bindings, once all of it is: before then nobody is told that he is no
    member. Raises `Busy`.
    """
    waits = [resource.plural for resource in TOLD if not parts.shelf.stands(resource.plural)]
    if waits:
        raise Busy("cluster-listing", f"the cluster's {', '.join(waits)} are not known yet", retry_after=1)
    return parts.shelf


async def ready(parts: Parts) -> None:
    """Return when everything that facts are made from was listed; raises `Busy` naming what wasn't."""
    waits = [resource.plural for resource in TOLD if not parts.shelf.tried(resource.plural)]
    if waits:
        raise Busy("cluster-listing", f"the cluster's {', '.join(waits)} are being listed", retry_after=1)
