"""What only one object of the cluster can have: addresses and node ports of Services."""

from __future__ import annotations

from typing import Any, Final

from libs.sandbox.objects import Objects
from libs.sandbox.resource import Resource
from libs.sandbox.rules import invalid
from libs.shared.errors import Flaw

Body = dict[str, Any]
_ALLOCATED: Final = "provided port is already allocated"


def refuse(resource: Resource, body: Body, objects: Objects) -> None:
    """Raise `Invalid` where another Service has the address or a node port of this one."""
    if resource.id != "services":
        return
    metadata, spec = body["metadata"], body.get("spec") or {}
    own = (metadata.get("namespace", ""), metadata.get("name", ""))
    ports, addresses = set(), set()
    for other in objects.list("services"):
        if (other["metadata"]["namespace"], other["metadata"]["name"]) != own:
            there = other.get("spec") or {}
            addresses.add(there.get("clusterIP"))
            ports |= {port.get("nodePort") for port in there.get("ports") or ()}
    flaws = [
        invalid.wrong(f"spec.ports[{place}].nodePort", port["nodePort"], _ALLOCATED)
        for place, port in enumerate(spec.get("ports") or ())
        if port.get("nodePort") and port["nodePort"] in ports
    ]
    address = spec.get("clusterIP")
    if address and address != "None" and address in addresses:
        flaws.append(Flaw("spec.clusterIPs", f'Invalid value: ["{address}"]: provided IP is already allocated'))
    invalid.refuse(resource, metadata.get("name", ""), flaws)
