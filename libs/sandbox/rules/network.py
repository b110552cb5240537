"""Rules of Services and Ingresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, Final

from libs.sandbox.rules.invalid import required, unsupported, wrong
from libs.shared.errors import Flaw

Body = dict[str, Any]
NODE_PORTS: Final = range(30_000, 32_768)
PORTS: Final = range(1, 65_536)
_SERVICES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
_PATHS: Final = ("Exact", "ImplementationSpecific", "Prefix")
_BETWEEN: Final = "must be between 1 and 65535, inclusive"


def service(body: Body) -> Iterator[Flaw]:
    """Service: type, address, ports."""
    spec = body.get("spec") or {}
    kind, address = spec.get("type", "ClusterIP"), spec.get("clusterIP") or ""
    if kind not in _SERVICES:
        yield unsupported("spec.type", kind, _SERVICES)
    if address not in ("", "None") and not _is_address(address):
        yield wrong("spec.clusterIPs[0]", address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
    ports = spec.get("ports") or []
    if kind == "ExternalName":
        if not spec.get("externalName"):
            yield required("spec.externalName")
        return
    if not ports and address != "None":
        yield required("spec.ports")
    seen: set[str] = set()
    for place, port in enumerate(ports):
        yield from _port(port, f"spec.ports[{place}]", seen, alone=len(ports) == 1)


def _port(port: Mapping[str, Any], path: str, seen: set[str], *, alone: bool) -> Iterator[Flaw]:
    if (number := port.get("port", 0)) not in PORTS:
        yield wrong(f"{path}.port", number, _BETWEEN)
    name = port.get("name") or ""
    if not name and not alone:
        yield required(f"{path}.name")
    elif name in seen:
        yield Flaw(f"{path}.name", f'Duplicate value: "{name}"')
    seen.add(name)
    if (protocol := port.get("protocol", "TCP")) not in _PROTOCOLS:
        yield unsupported(f"{path}.protocol", protocol, _PROTOCOLS)
    if (number := port.get("nodePort") or 0) and number not in NODE_PORTS:
        text = "provided port is not in the valid range. The range of valid ports is 30000-32767"
        yield wrong(f"{path}.nodePort", number, text)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def ingress(body: Body) -> Iterator[Flaw]:
    """Ingress: rules whose paths lead to a Service's port."""
    spec = body.get("spec") or {}
    if not spec.get("rules") and not spec.get("defaultBackend"):
        yield wrong("spec", {}, "either `defaultBackend` or `rules` must be specified")
    for place, rule in enumerate(spec.get("rules") or ()):
        for number, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            yield from _path(path, f"spec.rules[{place}].http.paths[{number}]")


def _path(found: Mapping[str, Any], path: str) -> Iterator[Flaw]:
    kind, text = found.get("pathType") or "", found.get("path") or ""
    if not kind:
        yield required(f"{path}.pathType", "pathType must be specified")
    elif kind not in _PATHS:
        yield unsupported(f"{path}.pathType", kind, _PATHS)
    elif kind != "ImplementationSpecific" and not text.startswith("/"):
        yield wrong(f"{path}.path", text, "must be an absolute path")
    backend = found.get("backend") or {}
    target = backend.get("service") or {}
    if not backend.get("resource") and not target.get("name"):
        yield required(f"{path}.backend.service.name")
    elif target and not any((target.get("port") or {}).get(field) for field in ("name", "number")):
        yield required(f"{path}.backend.service.port", "port name or number is required")
