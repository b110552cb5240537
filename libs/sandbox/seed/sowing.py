"""Puts what a new cluster has; what somebody removed since doesn't come back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from libs.sandbox.nodes.machines import NODES, node
from libs.sandbox.objects import Objects
from libs.sandbox.rbac import RBAC
from libs.sandbox.rules import defaults
from libs.sandbox.seed import cluster, demo, rights
from libs.sandbox.seed.shapes import Body, Seed
from libs.shared.objects.meta import instant

SOWN: Final = "sandbox-seeds"
"""The ConfigMap that says which seeds were sown. It is written after them, so that a start that was cut off in their
midst goes on.
"""


def sow(objects: Objects, *, with_demo: bool) -> None:
    """Nodes and rights at each start, as kubelets and API servers do; the rest once."""
    for seed in _standing(objects):
        _stands(objects, seed)
    sown = (objects.find("configmaps", SOWN, cluster.SYSTEM) or {}).get("data") or {}
    if "cluster" not in sown:
        _once(objects, "cluster", cluster.contents())
    if with_demo and "demo" not in sown:
        _once(objects, "demo", (demo.project(), *demo.contents()))


def _standing(objects: Objects) -> Iterable[Seed]:
    yield from cluster.spaces()
    for name in NODES:
        yield Seed("nodes", node(name, instant(objects.clock())))
    for role in rights.cluster_roles():
        yield Seed(f"clusterroles.{RBAC}", role)
    for binding in rights.cluster_bindings():
        yield Seed(f"clusterrolebindings.{RBAC}", binding)


def _once(objects: Objects, what: str, seeds: Iterable[Seed]) -> None:
    for seed in seeds:
        _stands(objects, seed)
    if objects.find("configmaps", SOWN, cluster.SYSTEM) is None:
        objects.create("configmaps", {"metadata": {"name": SOWN}, "data": {}}, cluster.SYSTEM)

    def note(body: Body) -> None:
        body["data"] = {**(body.get("data") or {}), what: instant(objects.clock())}

    objects.update("configmaps", SOWN, cluster.SYSTEM, note)


def _stands(objects: Objects, seed: Seed) -> None:
    if objects.find(seed.resource, seed.body["metadata"]["name"], seed.namespace) is not None:
        return
    body = {**seed.body, "metadata": {**seed.body["metadata"]}}
    if seed.namespace:
        body["metadata"]["namespace"] = seed.namespace
    objects.create(seed.resource, defaults.filled(objects.resource(seed.resource), body, objects), seed.namespace)
