"""What happened: the base of every event, its envelope on the bus, and the cause that runs through a request.

The envelope is CloudEvents 1.0 with the extensions of its Distributed Tracing, Partitioning and Sequence documents,
and our own `correlationid`, `causationid`, `actor`, `workspace`.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """A fact of one service's domain. Subclasses are generated from `proto/` into `libs/shared/contracts`.

    Fields unknown to this version are ignored, so that services can be upgraded one by one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    SERVICE: ClassVar[str] = ""
    VERSION: ClassVar[str] = "v1"

    @classmethod
    def full_type(cls) -> str:
        """CloudEvents `type`, such as `orrery.accounts.v1.UserCreated`."""
        return f"orrery.{cls.SERVICE}.{cls.VERSION}.{cls.__name__}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event as it travels. `data` is JSON text that a proto3 JSON parser accepts.

    `type` is the full CloudEvents type; `subject` is `users/bob`; `sequence` counts per subject, from 1; `version` is
    that of the document it is about (0: about none), so that a read model can tell which of two is newer; `workspace`
    is empty for what only platform administrators see.
    """

    id: str
    type: str
    source: str
    subject: str
    time: datetime
    data: str
    sequence: int = 0
    version: int = 0
    workspace: str = ""
    actor: str = ""
    correlationid: str = ""
    causationid: str = ""
    traceparent: str = ""

    @property
    def name(self) -> str:
        """The event's one spelling, such as `UserCreated`."""
        return self.type.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Told:
    """That an event was written to an outbox: its name and id, so that a reply can name what to wait for."""

    name: str
    id: str


@dataclass(slots=True)
class Cause:
    """Why something is being done: who asked, in which chain of causes, under which trace.

    Set by the HTTP server for a request and by the consumer for a reaction; read by a unit when it emits. `told` is
    filled after each commit.
    """

    actor: str = ""
    correlation: str = ""
    causation: str = ""
    traceparent: str = ""
    told: list[Told] = field(default_factory=list)


CAUSE: ContextVar[Cause] = ContextVar("orrery_cause")
"""The cause of the running task: a context variable as OpenTelemetry's own, inherited by tasks and never shared."""


def current_cause() -> Cause:
    """The running task's cause, or an empty one that nobody sees."""
    return CAUSE.get(Cause())


__all__ = ["CAUSE", "Cause", "Envelope", "Event", "Told", "current_cause"]
