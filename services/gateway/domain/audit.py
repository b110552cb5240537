"""Audit records: metadata of a request and how it ended; alike requests of nobody are counted as one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson

from libs.shared.contracts.gateway_v1 import AuditRecorded
from services.gateway.domain.attributes import Attributes
from services.gateway.domain.caller import ANONYMOUS, Caller

LONGEST_AGENT = 256
LONGEST_PATH = 1024
LONGEST_NAME = 253


class Decision(StrEnum):
    """How a request was decided."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNAUTHENTICATED = "unauthenticated"
    UNDECIDED = "undecided"
    """Refused before anything was decided: a path that can't be read, an index that isn't fresh."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a request came from."""

    address: str
    agent: str


def record(
    audit_id: str,
    caller: Caller,
    asked: Attributes,
    peer: Peer,
    *,
    code: int,
    made: bytes = b"",
    decision: Decision,
    received: datetime,
    answered: datetime,
) -> AuditRecorded:
    """One request; never its query, its body or a header but the user agent. Of `made`, the body of a creation, it
    keeps the name.
    """
    return AuditRecorded(
        audit_id=audit_id,
        user=caller.user,
        groups=caller.groups,
        verb=asked.verb,
        path=asked.path[:LONGEST_PATH],
        api_group=asked.group,
        api_version=asked.version,
        resource=asked.resource,
        subresource=asked.subresource,
        name=asked.name or created_name(made),
        namespace="" if asked.devops else asked.namespace,  # a cluster's namespace of that name is another's
        workspace=asked.workspace,
        cluster=asked.cluster,
        devops=asked.devops,
        scope=asked.scope.value,
        code=code,
        decision=decision.value,
        source_ip=peer.address,
        user_agent=peer.agent[:LONGEST_AGENT],
        received_at=received,
        answered_at=answered,
        count=1,
    )


def created_name(body: bytes) -> str:
    """The name of what a body says is to be made: the path of a creation has none. Empty where it says none."""
    try:
        told = orjson.loads(body)
    except ValueError:
        return ""
    about = told.get("metadata", told) if isinstance(told, dict) else None
    name = about.get("name") if isinstance(about, dict) else None
    return name[:LONGEST_NAME] if isinstance(name, str) else ""


def sampled(made: AuditRecorded) -> bool:
    """Whether alike records of this one are counted instead of kept: anybody can make as many as he likes."""
    return made.user == ANONYMOUS


class Sampler:
    """The first of its kind in a window is told at once; the rest of the window is one record with their number."""

    def __init__(self, window: float, most: int) -> None:
        self._window = window
        self._most = most
        self._counted: dict[tuple[str, ...], tuple[float, AuditRecorded | None, int]] = {}

    def take(self, made: AuditRecorded, now: float) -> AuditRecorded | None:
        """The record, if it is to be told now."""
        key = _alike(made)
        if key not in self._counted and len(self._counted) >= self._most:
            key = ("others",)
        since, _, count = self._counted.get(key, (now, None, 0))
        if key not in self._counted:
            self._counted[key] = (now, None, 0)
            return made
        self._counted[key] = (since, made, count + 1)
        return None

    def due(self, now: float, *, all_of_them: bool = False) -> list[AuditRecorded]:
        """Records of the windows that have ended, or of all."""
        counted = self._counted.items()
        ended = [key for key, (since, _, _) in counted if all_of_them or now - since >= self._window]
        entries = [self._counted.pop(key) for key in ended]
        return [made.model_copy(update={"count": count}) for _, made, count in entries if made is not None]


def _alike(made: AuditRecorded) -> tuple[str, ...]:
    return made.source_ip, made.verb, made.api_group, made.resource, str(made.code), made.decision
