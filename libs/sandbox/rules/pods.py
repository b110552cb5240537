"""Rules of a Pod's spec, which every workload's template has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from libs.sandbox.controllers.fitting import quantity
from libs.sandbox.rules.invalid import required, unsupported, wrong
from libs.shared.errors import Flaw
from libs.shared.objects import names

POLICIES: Final = ("Always", "Never", "OnFailure")
_PORTS: Final = range(1, 65536)

Part = Mapping[str, Any]


def spec(found: Part, path: str, claims: tuple[str, ...] = ()) -> Iterator[Flaw]:
    """What is wrong with a Pod's spec that stands at this path; `claims` are volumes that come from elsewhere."""
    if not found.get("containers"):
        yield required(f"{path}.containers")
        return
    if (policy := found.get("restartPolicy", "Always")) not in POLICIES:
        yield unsupported(f"{path}.restartPolicy", policy, POLICIES)
    if (seconds := found.get("terminationGracePeriodSeconds") or 0) < 0:
        yield wrong(f"{path}.terminationGracePeriodSeconds", seconds, "must be greater than or equal to 0")
    volumes = {*claims}
    for place, volume in enumerate(found.get("volumes") or ()):
        yield from _name(volume.get("name"), f"{path}.volumes[{place}].name", volumes)
    seen: set[str] = set()
    for part in ("initContainers", "containers"):
        for place, container in enumerate(found.get(part) or []):
            at = f"{path}.{part}[{place}]"
            yield from _name(container.get("name"), f"{at}.name", seen)
            yield from _container(container, at, volumes)


def _name(name: str | None, path: str, seen: set[str]) -> Iterator[Flaw]:
    if not name:
        yield required(path)
    elif reasons := names.label(name):
        yield wrong(path, name, reasons[0])
    elif name in seen:
        yield Flaw(path, f'Duplicate value: "{name}"')
    else:
        seen.add(name)


def _container(container: Part, path: str, volumes: set[str]) -> Iterator[Flaw]:
    if not container.get("image"):
        yield required(f"{path}.image")
    for place, port in enumerate(container.get("ports") or []):
        number, at = port.get("containerPort"), f"{path}.ports[{place}].containerPort"
        if number not in _PORTS:
            yield wrong(at, number, "must be between 1 and 65535, inclusive") if number else required(at)
    for place, variable in enumerate(container.get("env") or []):
        if not variable.get("name"):
            yield required(f"{path}.env[{place}].name")
    yield from _mounts(container, path, volumes)
    yield from _resources(container.get("resources") or {}, f"{path}.resources")


def _mounts(container: Part, path: str, volumes: set[str]) -> Iterator[Flaw]:
    for place, mount in enumerate(container.get("volumeMounts") or []):
        if (name := mount.get("name") or "") not in volumes:
            yield Flaw(f"{path}.volumeMounts[{place}].name", f'Not found: "{name[:80]}"')
        if not mount.get("mountPath"):
            yield required(f"{path}.volumeMounts[{place}].mountPath")


def _resources(resources: Part, path: str) -> Iterator[Flaw]:
    limits = resources.get("limits") or {}
    for part in ("limits", "requests"):
        for name, value in (resources.get(part) or {}).items():
            if quantity(value) < 0:
                yield wrong(f"{path}.{part}[{name}]", value, "must be greater than or equal to 0")
    for name, value in (resources.get("requests") or {}).items():
        most = limits.get(name)
        if most is not None and quantity(value) > quantity(most):
            yield wrong(f"{path}.requests", value, f"must be less than or equal to {name} limit of {most}")
