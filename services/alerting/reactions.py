"""What alerting does about events: its own wake the evaluation, the cluster's say whose a namespace is."""

from __future__ import annotations

from libs.shared.contracts.alerting_v1 import RuleGroupChanged, RuleGroupCreated, RuleGroupDeleted
from libs.shared.event import Envelope
from libs.shared.service import Follow
from services.alerting.parts import Parts


async def ring(
    event: RuleGroupCreated | RuleGroupChanged | RuleGroupDeleted,  # noqa: ARG001  # a follower's signature
    envelope: Envelope,  # noqa: ARG001
    parts: Parts,
) -> None:
    """Look at the groups again, in whichever process they are evaluated."""
    parts.news.tell()


FOLLOWS = (Follow(RuleGroupCreated, ring), Follow(RuleGroupChanged, ring), Follow(RuleGroupDeleted, ring))
