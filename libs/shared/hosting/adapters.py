"""Which adapter an address's scheme names. Adapters are imported when an address asks for them, and only then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from libs.shared.config import Address
from libs.shared.config.reader import Effective
from libs.shared.config.suite import OVERRIDES
from libs.shared.errors import Flaw, Invalid

TO_COME = ""
"""A scheme that is meant and not built yet."""

ADAPTERS: Mapping[str, Mapping[str, str]] = {
    "bus": {"embedded": "libs.shared.bus.embedded:open_bus", "nats": TO_COME, "kafka": TO_COME},
    "records": {"embedded": "libs.shared.bus.embedded:open_bus", "nats": TO_COME, "kafka": TO_COME},
    "store": {"sqlite": "libs.shared.store.sqlite:open_store", "mongodb": TO_COME},
    "cluster": {
        "sandbox": "libs.shared.kube.places:Written",
        "kubeconfig": "libs.shared.kube.loaded:kubeconfig",
        "in-cluster": "libs.shared.kube.loaded:in_cluster",
    },
}
"""Setting -> scheme -> `module:callable` that opens it, for what hosting itself opens."""

SANDBOX = "libs.sandbox.server:open_sandbox"
"""What hosts the cluster of the address `sandbox:`."""

ACCEPTED: Mapping[str, tuple[str, ...]] = {
    "metrics": ("embedded", "prometheus+http", "prometheus+https"),
    "logs": ("embedded", "elasticsearch+http", "elasticsearch+https"),
    "mail": ("outbox", "smtp", "smtps"),
    "executor": ("process", "kubernetes", "jenkins+http", "jenkins+https"),
    "blobs": ("file", "s3"),
}
"""Schemes of what a service opens itself."""


def adapter(setting: str, name: str, address: Address) -> Callable[..., Any]:
    """What opens this address; raises `Invalid` naming the setting `name` and what is accepted."""
    target = ADAPTERS[setting].get(address.scheme, TO_COME)
    if not target:
        raise Invalid("adapter", _refusal(setting, name, address))
    return loaded(target, name, address.scheme)


def loaded(target: str, name: str, scheme: str) -> Callable[..., Any]:
    """The callable of `module:callable`; raises `Invalid` naming the setting `name` when a package is missing."""
    module, _, attribute = target.partition(":")
    try:
        found: Callable[..., Any] = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        text = f"{name}: {scheme}: needs the package {error.name}, which isn't installed"
        raise Invalid("adapter-missing", text) from error
    return found


def vet(effective: Effective) -> None:
    """Raise `Invalid` with a flaw for each address whose scheme nobody opens."""
    flaws = []
    for setting in OVERRIDES:
        places = {f"ORRERY_{setting.upper()}": getattr(effective.suite, setting)} | {
            f"ORRERY_{service.upper()}_{setting.upper()}": own.addresses[setting]
            for service, own in effective.services.items()
            if setting in own.overridden
        }
        flaws += [Flaw(n, _refusal(setting, n, a)) for n, a in places.items() if a.scheme not in _schemes(setting)]
    if flaws:
        raise Invalid("adapter", "; ".join(flaw.text for flaw in flaws), flaws=tuple(flaws))


def _schemes(setting: str) -> tuple[str, ...]:
    """The schemes that work today."""
    built = ADAPTERS.get(setting)
    return ACCEPTED[setting] if built is None else tuple(scheme for scheme, target in built.items() if target)


def _refusal(setting: str, name: str, address: Address) -> str:
    accepted = " or ".join(f"{scheme}:" for scheme in _schemes(setting))
    planned = address.scheme in ADAPTERS.get(setting, {})
    said = "is not built yet" if planned else "names no adapter"
    return f"{name}: {address.scheme}: {said}; accepted is {accepted}"
