"""Rules of a Pod's spec, which every workload's template has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from libs.sandbox.rules.invalid import required, unsupported, wrong
from libs.shared.errors import Flaw
from libs.shared.objects import names

_POLICIES: Final = ("Always", "Never", "OnFailure")
_PORTS: Final = range(1, 65536)


def spec(found: Any, path: str) -> Iterator[Flaw]:
    """What is wrong with a Pod's spec that stands at this path."""
    if not isinstance(found, Mapping) or not isinstance(found.get("containers"), list) or not found["containers"]:
        yield required(f"{path}.containers")
        return
    if (policy := found.get("restartPolicy", "Always")) not in _POLICIES:
        yield unsupported(f"{path}.restartPolicy", policy, _POLICIES)
    seen: set[str] = set()
    for part in ("initContainers", "containers"):
        for place, container in enumerate(found.get(part) or []):
            yield from _container(container, f"{path}.{part}[{place}]", seen)


def _container(container: Any, path: str, seen: set[str]) -> Iterator[Flaw]:
    if not isinstance(container, Mapping):
        yield wrong(path, container, "must be an object")
        return
    name = container.get("name")
    if not isinstance(name, str) or not name:
        yield required(f"{path}.name")
    elif reasons := names.label(name):
        yield wrong(f"{path}.name", name, reasons[0])
    elif name in seen:
        yield Flaw(f"{path}.name", f'Duplicate value: "{name}"')
    else:
        seen.add(name)
    if not container.get("image"):
        yield required(f"{path}.image")
    for place, port in enumerate(container.get("ports") or []):
        number = port.get("containerPort") if isinstance(port, Mapping) else None
        if number not in _PORTS:
            at = f"{path}.ports[{place}].containerPort"
            yield wrong(at, number, "must be between 1 and 65535, inclusive") if number else required(at)
