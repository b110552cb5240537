"""Rules of what Pods read and write: ConfigMaps, Secrets, claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from libs.sandbox.controllers.fitting import quantity
from libs.sandbox.rules.invalid import required, unsupported, wrong
from libs.shared.errors import Flaw
from libs.shared.objects import names

Body = dict[str, Any]
LARGEST: Final = 1 << 20
"""Bytes of data in all."""
_MODES: Final = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
"""Type of a Secret -> keys that it has to have."""
_KEY: Final = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def config(body: Body) -> Iterator[Flaw]:
    """ConfigMap: keys, and how much it is."""
    size = 0
    for part in ("data", "binaryData"):
        for key, value in (body.get(part) or {}).items():
            size += len(key) + (len(value.encode()) if part == "data" else len(value) * 3 // 4)
            if not key or "/" in key or names.qualified(key.lstrip("._-") or "x"):
                yield wrong(f"{part}[{key[:80]}]", key[:80], _KEY)
    if size > LARGEST:
        yield Flaw("data", f"Too long: may not be more than {LARGEST} bytes")


def secret(body: Body) -> Iterator[Flaw]:
    """Secret: the same, and the keys of its type."""
    yield from config({"binaryData": body.get("data")})
    for key in _NEEDED.get(body.get("type", ""), ()):
        if key not in (body.get("data") or {}):
            yield required(f"data[{key}]")


def claim(body: Body) -> Iterator[Flaw]:
    """PersistentVolumeClaim."""
    yield from claim_spec(body.get("spec") or {}, "spec")


def claim_spec(spec: Mapping[str, Any], path: str) -> Iterator[Flaw]:
    """What is claimed, at this path."""
    modes = spec.get("accessModes") or ()
    if not modes:
        yield required(f"{path}.accessModes", "at least 1 access mode is required")
    for mode in modes:
        if mode not in _MODES:
            yield unsupported(f"{path}.accessModes", mode, _MODES)
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if asked is None:
        yield required(f"{path}.resources[storage]")
    elif quantity(asked) <= 0:
        yield wrong(f"{path}.resources[storage]", asked, "must be greater than zero")
