"""Events of the core group about objects: what repeats is counted in one, and what is old goes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from libs.sandbox.changes import Change, Type
from libs.sandbox.controllers.loop import Key
from libs.sandbox.controllers.meta import Body, Seen, name_of, short_hash, space_of
from libs.sandbox.objects import Objects
from libs.shared.errors import Denied
from libs.shared.objects.meta import instant, moment

KEPT = timedelta(hours=1)
"""How long an event stands after it last happened: Kubernetes' default."""
SWEEP = 300.0
"""Seconds between two looks for old ones."""


class Recorder:
    """Writes Events. `source` is the component that tells."""

    def __init__(self, objects: Objects, source: str) -> None:
        self._objects = objects
        self._source = source

    def note(self, about: Seen, reason: str, message: str, *, warning: bool = False, host: str = "") -> None:
        """Tell that this happened to the object; the same thing once more is one more in its count."""
        uid = about["metadata"].get("uid", "")
        namespace = space_of(about) or "default"
        name = f"{name_of(about)[:200]}.{short_hash([uid, reason, message, self._source], 16)}"
        at = instant(self._objects.clock())
        standing = self._objects.find("events", name, namespace)
        if standing is not None:
            self._objects.update("events", name, namespace, lambda event: _again(event, at))
            return
        what = {"reason": reason, "message": message, "type": "Warning" if warning else "Normal"}
        event = self._event(about, what, at, host)
        try:
            self._objects.create("events", {**event, "metadata": {"name": name, "namespace": namespace}}, namespace)
        except Denied:
            return  # its namespace ends: nobody is told any more

    def _event(self, about: Seen, what: Body, at: str, host: str) -> Body:
        metadata = about["metadata"]
        involved = {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": name_of(about),
            "namespace": space_of(about),
            "uid": metadata.get("uid", ""),
            "resourceVersion": metadata.get("resourceVersion", ""),
        }
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "involvedObject": {key: value for key, value in involved.items() if value},
            **what,
            "source": {"component": self._source, **({"host": host} if host else {})},
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
            "reportingComponent": self._source,
            "reportingInstance": host,
        }


def _again(event: Body, at: str) -> None:
    event["count"] = int(event.get("count", 1)) + 1
    event["lastTimestamp"] = at


class Forgetting:
    """Removes events that haven't happened for long."""

    name = "forgetting"
    watches = ("events",)

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._next: Any = None

    def keys(self, change: Change) -> Iterable[Key]:
        """One key for all."""
        return (("", "all"),) if change.type is Type.ADDED else ()

    def reconcile(self, key: Key) -> float | None:
        """Look now and then, as long as there are any."""
        del key
        now = self._objects.clock()
        if self._next is not None and now < self._next:
            return float((self._next - now).total_seconds())
        events = self._objects.list("events")
        for event in events:
            last = moment(event.get("lastTimestamp") or event["metadata"]["creationTimestamp"])
            if last is not None and now - last > KEPT:
                self._objects.delete("events", name_of(event), space_of(event))
        self._next = now + timedelta(seconds=SWEEP)
        return SWEEP if events else None
