"""What was told of a service's routing: so that a change is told once, and what we made is removed with its service."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.contracts.mesh_v1 import Share, TrafficReleased, TrafficSplit
from libs.shared.store.protocol import Document
from services.mesh.domain.component import Key


class Split(Document):
    """The routing of one service, as it was last written; its key is `namespace/service`."""

    COLLECTION: ClassVar[str] = "splits"
    KEY: ClassVar[str] = "path"

    path: str
    namespace: str
    service: str
    virtual: str
    """The name of its VirtualService; empty before there was one."""
    strategy: str = ""
    shares: tuple[tuple[str, int, bool], ...] = ()

    @property
    def where(self) -> Key:
        """The service."""
        return Key(self.namespace, self.service)


def subject(key: Key) -> str:
    """What events of a service's routing are about."""
    return f"services/{key.namespace}/{key.name}"


def told(split: Split) -> TrafficSplit:
    """How its traffic is shared."""
    shares = tuple(Share(version=version, weight=weight, mirror=mirror) for version, weight, mirror in split.shares)
    return TrafficSplit(namespace=split.namespace, service=split.service, strategy=split.strategy, shares=shares)


def released(split: Split) -> TrafficReleased:
    """That the service is gone."""
    return TrafficReleased(namespace=split.namespace, service=split.service)
