"""Strategies and service policies: what somebody wants of a component's traffic (KubeSphere's servicemesh kinds)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

import orjson

from libs.shared.contracts.mesh_v1 import (
    ServicePolicyChanged,
    ServicePolicyCreated,
    ServicePolicyDeleted,
    StrategyChanged,
    StrategyCreated,
    StrategyDeleted,
)
from libs.shared.errors import Flaw, Invalid
from libs.shared.store.protocol import Document, Index

GROUP = "servicemesh.kubesphere.io"
COMPONENT = "app"
"""The label that names a component."""
SPEC_BYTES = 64 << 10


class Release(StrEnum):
    """When a strategy is carried out."""

    WAIT = "WaitForWorkloadReady"
    AT_ONCE = "Immediately"
    PAUSED = "Paused"


class Governing(Document):
    """An object of a namespace; its key is `namespace/name`. `generation` counts changes of its spec."""

    KEY: ClassVar[str] = "path"
    WATCHED: ClassVar[bool] = True
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("namespace", "component")),)
    PLURAL: ClassVar[str]
    WORD: ClassVar[str]

    path: str
    namespace: str
    name: str
    component: str
    uid: str
    generate_name: str = ""
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    created_at: datetime
    generation: int = 1
    spec: Mapping[str, Any] = {}

    @classmethod
    def made(cls, wish: Wish, *, uid: str, at: datetime) -> Self:
        """A new one; raises `Invalid`."""
        cls.check(wish)
        return cls(
            path=path_of(wish.namespace, wish.name),
            namespace=wish.namespace,
            name=wish.name,
            component=wish.labels.get(COMPONENT, ""),
            uid=uid,
            generate_name=wish.generate_name,
            labels=wish.labels,
            annotations=wish.annotations,
            created_at=at,
            spec=wish.spec,
        )

    def changed(self, wish: Wish) -> Self:
        """Itself as wished; raises `Invalid`."""
        self.check(wish)
        update = {
            "component": wish.labels.get(COMPONENT, ""),
            "labels": wish.labels,
            "annotations": wish.annotations,
            "spec": wish.spec,
            "generation": self.generation + (wish.spec != self.spec),
        }
        return self.model_copy(update=update).stamped(replace(self.stamp))

    @classmethod
    def check(cls, wish: Wish) -> None:
        """Raise `Invalid` for what no mesh could carry out."""
        size = len(orjson.dumps(wish.spec))
        if size > SPEC_BYTES:
            raise cls.invalid(wish.name, Flaw("spec", f"Too long: may not be more than {SPEC_BYTES} bytes"))

    @classmethod
    def invalid(cls, name: str, flaw: Flaw) -> Invalid:
        """The refusal, in Kubernetes' words."""
        text = f'{cls.__name__}.{GROUP} "{name}" is invalid: {flaw.field}: {flaw.text}'
        return Invalid(f"{cls.WORD}-invalid", text, resource=cls.PLURAL, name=name, flaws=(flaw,))


class Strategy(Governing):
    """How traffic is shared between a component's versions."""

    COLLECTION: ClassVar[str] = "strategies"
    PLURAL: ClassVar[str] = "strategies"
    WORD: ClassVar[str] = "strategy"

    @classmethod
    def check(cls, wish: Wish) -> None:
        """Besides its size: a policy that is known, routes that are some."""
        super().check(wish)
        policy = wish.spec.get("strategyPolicy", "")
        if policy and policy not in list(Release):
            supported = ", ".join(f'"{one}"' for one in Release)
            raise cls.invalid(
                wish.name, Flaw("spec.strategyPolicy", f'Unsupported value: "{policy}": supported values: {supported}')
            )
        for place, text in _unfit(template_of(wish.spec)):
            raise cls.invalid(wish.name, Flaw(f"spec.template.spec.{place}", text))

    @property
    def release(self) -> str:
        """When it is carried out; at once unless it says otherwise."""
        return str(self.spec.get("strategyPolicy") or Release.AT_ONCE)

    @property
    def governor(self) -> str:
        """The version that takes all traffic, or nothing."""
        return str(self.spec.get("governor") or "")

    @property
    def principal(self) -> str:
        """The version that it started from, or nothing."""
        return str(self.spec.get("principal") or "")

    @property
    def template(self) -> Mapping[str, Any]:
        """The routes that are wanted: the spec of a VirtualService."""
        return template_of(self.spec)


class ServicePolicy(Governing):
    """Load balancing, connection pools, outlier detection and TLS of a component."""

    COLLECTION: ClassVar[str] = "servicepolicies"
    PLURAL: ClassVar[str] = "servicepolicies"
    WORD: ClassVar[str] = "servicepolicy"

    @property
    def template(self) -> Mapping[str, Any]:
        """The spec of a DestinationRule."""
        return template_of(self.spec)


@dataclass(frozen=True, slots=True)
class Wish:
    """An object as somebody wants it."""

    namespace: str
    name: str
    generate_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)


def path_of(namespace: str, name: str) -> str:
    """The key of an object."""
    return f"{namespace}/{name}"


def template_of(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `spec.template.spec` holds, or nothing."""
    template = spec.get("template")
    found = template.get("spec") if isinstance(template, Mapping) else None
    return found if isinstance(found, Mapping) else {}


WHOLE = 100


def _unfit(template: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where routes are none: place and reason."""
    found = []
    for protocol in ("http", "tcp"):
        routes = template.get(protocol)
        if routes is None:
            continue
        if not isinstance(routes, list):
            return [(protocol, "Invalid value: must be a list of routes")]
        for place, route in enumerate(routes):
            if text := _unfit_route(route):
                found.append((f"{protocol}[{place}].route", text))
    return found


def _unfit_route(route: Any) -> str:
    """What is wrong with one route; empty when it is one."""
    destinations = route.get("route") if isinstance(route, Mapping) else None
    if destinations is None and isinstance(route, Mapping):
        return ""  # a redirect, say
    if not isinstance(destinations, list) or not all(_destination(one) for one in destinations):
        return "Invalid value: must be a list of objects with a destination"
    weights = [one.get("weight", 0) for one in destinations]
    if any(not isinstance(weight, int) or isinstance(weight, bool) or not 0 <= weight <= WHOLE for weight in weights):
        return f"Invalid value: a weight is a whole number from 0 to {WHOLE}"
    return ""


def _destination(one: Any) -> bool:
    return isinstance(one, Mapping) and isinstance(one.get("destination"), Mapping)


def created(kept: Governing, by: str) -> StrategyCreated | ServicePolicyCreated:
    """That it stands."""
    if isinstance(kept, Strategy):
        return StrategyCreated(**_strategy(kept), by=by)
    return ServicePolicyCreated(**_policy(kept), by=by)


def changed(kept: Governing, by: str) -> StrategyChanged | ServicePolicyChanged:
    """That it says something else."""
    if isinstance(kept, Strategy):
        return StrategyChanged(**_strategy(kept), by=by)
    return ServicePolicyChanged(**_policy(kept), by=by)


def deleted(kept: Governing, by: str) -> StrategyDeleted | ServicePolicyDeleted:
    """That it is gone."""
    about = {"namespace": kept.namespace, "uid": kept.uid, "component": kept.component, "by": by}
    if isinstance(kept, Strategy):
        return StrategyDeleted(strategy=kept.name, **about)
    return ServicePolicyDeleted(policy=kept.name, **about)


def subject(kept: Governing) -> str:
    """What events of it are about."""
    return f"{kept.PLURAL}/{kept.path}"


def _strategy(kept: Strategy) -> dict[str, str]:
    return {
        "namespace": kept.namespace,
        "strategy": kept.name,
        "uid": kept.uid,
        "component": kept.component,
        "type": str(kept.spec.get("type") or ""),
        "principal": kept.principal,
        "governor": kept.governor,
        "policy": kept.release,
    }


def _policy(kept: Governing) -> dict[str, str]:
    return {"namespace": kept.namespace, "policy": kept.name, "uid": kept.uid, "component": kept.component}
