"""The events that there are, by their one spelling."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Final

from libs.shared import contracts
from libs.shared.contracts.events_v1 import DeliveryAbandoned
from libs.shared.errors import Flaw, Invalid

UNHEARD: Final = frozenset({DeliveryAbandoned.__name__})
"""Nobody subscribes to what failed deliveries tell: two broken receivers would feed each other."""
OF_RECORDS: Final = frozenset({"gateway_v1"})
"""What is told on the channel of records never comes into the log."""


def known() -> frozenset[str]:
    """Every event that a subscription may name."""
    names = [module.name for module in pkgutil.iter_modules(contracts.__path__)]
    tables = [
        import_module(f"{contracts.__name__}.{name}").EVENTS
        for name in names
        if name.endswith("_v1") and name not in OF_RECORDS
    ]
    return frozenset(event.__name__ for table in tables for event in table) - UNHEARD


def require_known(types: Sequence[str]) -> None:
    """Raise `Invalid` naming each type that no service tells, with the nearest that one does."""
    there = known()
    flaws = [
        Flaw(f"types.{place}", f"no service tells {name!r}; {_nearest(name, there)}", name)
        for place, name in enumerate(types)
        if name not in there
    ]
    if flaws:
        raise Invalid("types", "; ".join(flaw.text for flaw in flaws), flaws=tuple(flaws))


def _nearest(name: str, there: frozenset[str]) -> str:
    near = get_close_matches(name, there, 1)
    return f"did you mean {near[0]}?" if near else "docs/events.md lists those that there are"
