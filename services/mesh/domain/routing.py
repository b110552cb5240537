"""A service's routing as it should be: Istio's DestinationRule and VirtualService (KubeSphere's rules)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.mesh.domain.component import VERSION, Component, JsonObject, Port, Workload, subset
from services.mesh.domain.governing import WHOLE, Release, ServicePolicy, Strategy

ISTIO = "networking.istio.io/v1alpha3"
_DECIDED = ("name", "match", "route")
"""Fields of a route that are ours: of a standing route of the same name, the others are kept."""


def versions(component: Component, workloads: Sequence[Workload], standing: JsonObject | None) -> list[Workload]:
    """The component's versions, oldest first: those that are ready, and those that traffic goes to already and that are
    meant to run: a restart of all pods of a version doesn't take its share away.
    """
    known = {one.get("name") for one in ((standing or {}).get("spec") or {}).get("subsets") or ()}
    mine = [
        one
        for one in workloads
        if one.version and one.runs(component) and (one.ready > 0 or (one.subset in known and one.wanted > 0))
    ]
    first: dict[str, Workload] = {}
    for one in sorted(mine, key=lambda one: (one.since, one.key)):
        first.setdefault(one.subset, one)
    return list(first.values())


def destination_rule(component: Component, found: Sequence[Workload], policy: ServicePolicy | None) -> JsonObject:
    """The subsets of a service, with what its policy says of them."""
    template = policy.template if policy else {}
    own = {one.get("name"): one for one in template.get("subsets") or () if isinstance(one, Mapping)}
    subsets = []
    for one in found:
        entry: JsonObject = {"name": one.subset, "labels": {VERSION: one.version}}
        if traffic := own.get(one.subset, {}).get("trafficPolicy"):
            entry["trafficPolicy"] = traffic
        subsets.append(entry)
    spec: JsonObject = {"host": component.key.name, "subsets": subsets}
    if traffic := template.get("trafficPolicy"):
        spec["trafficPolicy"] = traffic
    return _object("DestinationRule", component.key.name, component, spec)


def virtual_service(
    component: Component, subsets: Sequence[str], strategy: Strategy | None, standing: JsonObject | None
) -> JsonObject | None:
    """How its traffic is shared; None while there is no version to send it to."""
    if not subsets:
        return None
    if strategy is None or _waits(strategy, subsets):
        first = subset(strategy.principal) if strategy else ""
        spec = _whole(component, first if first in subsets else subsets[0])
    elif strategy.governor:
        spec = _governed(component, subset(strategy.governor), strategy)
    else:
        spec = _shared(component, strategy)
    return _object("VirtualService", component.app, component, _keeping(spec, standing))


def shares(virtual: JsonObject) -> list[tuple[str, int, bool]]:
    """Each version's share of the first route: subset, percent, whether it gets copies."""
    spec = virtual.get("spec") or {}
    routes = spec.get("http") or spec.get("tcp") or ()
    if not routes:
        return []
    found = [
        (_subset(one["destination"]), int(one.get("weight", WHOLE)), False) for one in routes[0].get("route") or ()
    ]
    if mirror := routes[0].get("mirror"):
        found.append((_subset(mirror), WHOLE, True))
    return found


def differs(standing: JsonObject | None, wanted: JsonObject) -> bool:
    """Whether what stands has to be written."""
    if standing is None:
        return True
    labels: JsonObject = standing["metadata"].get("labels") or {}
    spec: JsonObject = standing.get("spec") or {}
    return bool(spec != wanted["spec"] or labels != wanted["metadata"]["labels"])


def replaced(standing: JsonObject, wanted: JsonObject) -> JsonObject:
    """What stands, with the spec and the labels that it should have."""
    about = {**standing["metadata"], "labels": wanted["metadata"]["labels"]}
    return {**standing, "metadata": about, "spec": wanted["spec"]}


def _object(kind: str, name: str, component: Component, spec: JsonObject) -> JsonObject:
    about = {"name": name, "namespace": component.key.namespace, "labels": dict(component.labels)}
    return {"apiVersion": ISTIO, "kind": kind, "metadata": about, "spec": spec}


def _waits(strategy: Strategy, subsets: Sequence[str]) -> bool:
    """Whether it isn't carried out yet."""
    if strategy.release == Release.PAUSED:
        return True
    named = {subset(strategy.governor)} if strategy.governor else set(_named(strategy.template))
    return strategy.release == Release.WAIT and not named <= set(subsets)


def _named(template: Mapping[str, Any]) -> Iterator[str]:
    """The subsets that routes name."""
    for protocol in ("http", "tcp"):
        for route in template.get(protocol) or ():
            for one in (*(way["destination"] for way in route.get("route") or ()), route.get("mirror")):
                if isinstance(one, Mapping) and one.get("subset"):
                    yield str(one["subset"])


def _whole(component: Component, to: str) -> JsonObject:
    """Everything to one version; HTTP routes are named as their ports."""
    spec: JsonObject = {"hosts": [component.key.name]}
    for protocol, port in _ports(component):
        route = {"match": [{"port": port.number}], "route": [_way(component, port, to)]}
        named = {"name": port.name} if protocol == "http" else {}
        spec.setdefault(protocol, []).append({**named, **route})
    return spec


def _governed(component: Component, to: str, strategy: Strategy) -> JsonObject:
    """Everything to the governor, of those protocols that the strategy has routes for."""
    spec: JsonObject = {"hosts": _hosts(component, strategy)}
    for protocol, port in _ports(component):
        if strategy.template.get(protocol):
            route = {"match": [{"port": port.number}], "route": [_way(component, port, to)]}
            spec.setdefault(protocol, []).append(route)
    return spec


def _shared(component: Component, strategy: Strategy) -> JsonObject:
    """The strategy's routes, once for each port."""
    spec: JsonObject = {"hosts": _hosts(component, strategy)}
    for protocol, port in _ports(component):
        for route in strategy.template.get(protocol) or ():
            spec.setdefault(protocol, []).append(_at(port, route))
    return spec


def _hosts(component: Component, strategy: Strategy) -> list[str]:
    return [str(host) for host in strategy.template.get("hosts") or (component.key.name,)]


def _at(port: Port, route: Mapping[str, Any]) -> JsonObject:
    """A route of a strategy, at one port."""
    matches: Sequence[JsonObject] = route.get("match") or ({},)
    made = {**route, "match": [{**match, "port": port.number} for match in matches]}
    if ways := route.get("route"):
        made["route"] = [{**way, "destination": _to(port, way["destination"])} for way in ways]
    if isinstance(mirror := route.get("mirror"), Mapping):
        made["mirror"] = _to(port, mirror)
    return made


def _to(port: Port, destination: Mapping[str, Any]) -> JsonObject:
    return {**destination, "port": {"number": port.number}}


def _way(component: Component, port: Port, to: str) -> JsonObject:
    return {"destination": _to(port, {"host": component.key.name, "subset": to}), "weight": WHOLE}


def _ports(component: Component) -> Iterator[tuple[str, Port]]:
    for port in component.ports:
        yield ("http" if port.http else "tcp"), port


def _keeping(spec: JsonObject, standing: JsonObject | None) -> JsonObject:
    """The spec with what was written by hand into standing HTTP routes of the same names: timeouts, retries, faults."""
    known = {
        route["name"]: route for route in ((standing or {}).get("spec") or {}).get("http") or () if route.get("name")
    }
    if not known or "http" not in spec:
        return spec
    kept = []
    for route in spec["http"]:
        before = known.get(route.get("name"), {})
        kept.append({**{key: value for key, value in before.items() if key not in _DECIDED}, **route})
    return {**spec, "http": kept}


def _subset(destination: Mapping[str, Any]) -> str:
    return str(destination.get("subset") or "")
