"""GENERATED from proto/orrery/mesh/v1/events.proto by proto/generate.py: change that, then run `make proto`."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.contracts.wire import Value
from libs.shared.event import Event


class StrategyCreated(Event):
    """A strategy says how a component's traffic is shared between its versions. Its subject is strategies/<namespace>/<strategy>."""

    SERVICE: ClassVar[str] = "mesh"

    namespace: str = ""
    strategy: str = ""
    uid: str = ""
    component: str = ""
    """The component: the value of the label `app`."""
    type: str = ""
    """Canary, BlueGreen, Mirror or what else its maker calls it."""
    principal: str = ""
    governor: str = ""
    """The version that takes all traffic; empty for none."""
    policy: str = ""
    """WaitForWorkloadReady, Immediately or Paused."""
    by: str = ""


class StrategyChanged(Event):
    """It says something else now."""

    SERVICE: ClassVar[str] = "mesh"

    namespace: str = ""
    strategy: str = ""
    uid: str = ""
    component: str = ""
    type: str = ""
    principal: str = ""
    governor: str = ""
    policy: str = ""
    by: str = ""


class StrategyDeleted(Event):
    """It is gone: traffic goes to one version again."""

    SERVICE: ClassVar[str] = "mesh"

    namespace: str = ""
    strategy: str = ""
    uid: str = ""
    component: str = ""
    by: str = ""


class ServicePolicyCreated(Event):
    """Limits and load balancing of a component. Its subject is servicepolicies/<namespace>/<policy>."""

    SERVICE: ClassVar[str] = "mesh"

    namespace: str = ""
    policy: str = ""
    uid: str = ""
    component: str = ""
    by: str = ""


class ServicePolicyChanged(Event):
    """ServicePolicyChanged."""

    SERVICE: ClassVar[str] = "mesh"

    namespace: str = ""
    policy: str = ""
    uid: str = ""
    component: str = ""
    by: str = ""


class ServicePolicyDeleted(Event):
    """ServicePolicyDeleted."""

    SERVICE: ClassVar[str] = "mesh"

    namespace: str = ""
    policy: str = ""
    uid: str = ""
    component: str = ""
    by: str = ""


class Share(Value):
    """A version's part of the traffic."""

    version: str = ""
    weight: int = 0
    """Percent of the requests."""
    mirror: bool = False
    """It gets copies; what it answers is thrown away."""


class TrafficSplit(Event):
    """The cluster's routing of a service was written, and shares its traffic so. Its subject is services/<namespace>/<service>."""

    SERVICE: ClassVar[str] = "mesh"

    namespace: str = ""
    service: str = ""
    strategy: str = ""
    """The strategy that asked for it; empty where all goes to one version for lack of one."""
    shares: tuple[Share, ...] = ()


class TrafficReleased(Event):
    """The service is gone, and its routing with it."""

    SERVICE: ClassVar[str] = "mesh"

    namespace: str = ""
    service: str = ""


EVENTS: tuple[type[Event], ...] = (
    StrategyCreated,
    StrategyChanged,
    StrategyDeleted,
    ServicePolicyCreated,
    ServicePolicyChanged,
    ServicePolicyDeleted,
    TrafficSplit,
    TrafficReleased,
)
