"""Containers whose logs are followed, and the lines as a kubelet tells them with their times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.logging.domain import log
from services.logging.domain.entry import Entry

STATUSES = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
STAMP = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})")
SECOND = 19
"""Characters of a time up to its whole second."""


@dataclass(frozen=True, slots=True)
class Container:
    """One life of a container: after a restart it is another one."""

    uid: str
    namespace: str
    pod: str
    name: str
    restart: int
    source: str
    """The container's id, which lines are known by again after a restart of ours."""
    ended: bool

    @property
    def key(self) -> tuple[str, str, int]:
        """What stays the same in this life."""
        return self.uid, self.name, self.restart

    @property
    def path(self) -> str:
        """Where its log is read."""
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.pod}/log"


def containers(pod: Mapping[str, Any]) -> list[Container]:
    """The containers of a pod that have begun; what the cluster leaves out is no container."""
    about, status = pod.get("metadata") or {}, pod.get("status") or {}
    found = []
    for one in (one for name in STATUSES for one in status.get(name) or ()):
        state = one.get("state") or {}
        if not ("running" in state or "terminated" in state):
            continue
        restart = int(one.get("restartCount") or 0)
        _, _, id_ = str(one.get("containerID") or "").rpartition("://")
        uid, name = str(about.get("uid", "")), str(one.get("name", ""))
        found.append(
            Container(
                uid=uid,
                namespace=str(about.get("namespace", "")),
                pod=str(about.get("name", "")),
                name=name,
                restart=restart,
                source=id_ or f"{uid}/{name}/{restart}",
                ended="terminated" in state,
            )
        )
    return found


def stamp(text: str) -> str:
    """A time with nine digits of its second, in UTC, so that times sort as texts; empty for what is no time."""
    match = STAMP.fullmatch(text)
    if match is None:
        return ""
    try:
        whole = datetime.fromisoformat(match[1] + match[3]).astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{(match[2] or ''):0<9}Z"


class Tale:
    """What one container has told. A line's id is made of its time and its place among lines of that time, so that a
    line that is told again is the same.
    """

    def __init__(self, container: Container, last: str = "") -> None:
        """`last` is the time of the last line that is known."""
        self._container = container
        self.last = last
        self._told = ""
        self._place = 0

    @property
    def since(self) -> str | None:
        """From where on to ask: the whole second of the last line."""
        return f"{self.last[:SECOND]}Z" if self.last else None

    def again(self) -> None:
        """The log is read anew, from `since`."""
        self._told, self._place = "", 0

    def entry(self, raw: bytes) -> Entry | None:
        """The entry of a line; None for one before the last that is known. What has no time goes on with the line
        before. Raises `Malformed` for a line without any.
        """
        whole = raw.decode(errors="replace")
        told, _, text = whole.partition(" ")
        time = stamp(told)
        if not time:
            time, text = self._told, whole
        self._place = self._place + 1 if time == self._told else 0
        self._told = time
        if time < self.last:
            return None
        self.last = time
        mine = self._container
        names = {"namespace": mine.namespace, "pod": mine.pod, "container": mine.name}
        id_ = f"{mine.uid}/{mine.name}/{mine.restart}/{time}/{self._place}"
        return log.line(f"{text}\n", time, names, mine.source, id_)
