"""GENERATED from proto/orrery/gateway/v1/events.proto by proto/generate.py: change that, then run `make proto`."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.contracts.wire import Moment
from libs.shared.event import Event


class AuditRecorded(Event):
    """One request as it was decided and answered; never a body, a query or a secret. Its subject is audit/<user>."""

    SERVICE: ClassVar[str] = "gateway"

    audit_id: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()
    verb: str = ""
    path: str = ""
    api_group: str = ""
    api_version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    workspace: str = ""
    cluster: str = ""
    devops: str = ""
    scope: str = ""
    code: int = 0
    decision: str = ""
    """Allowed, denied or unauthenticated."""
    source_ip: str = ""
    user_agent: str = ""
    received_at: Moment | None = None
    answered_at: Moment | None = None
    count: int = 0
    """How many alike this one stands for; above 1 where unauthenticated requests are sampled."""


EVENTS: tuple[type[Event], ...] = (
    AuditRecorded,
)
