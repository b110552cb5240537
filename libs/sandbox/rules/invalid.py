"""How a wrong object is refused, in Kubernetes' words: `Pod "a" is invalid: spec.containers: Required value`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from libs.sandbox.resource import Resource
from libs.shared.errors import Flaw, Invalid

_WORDED = (
    "Invalid value",
    "Required value",
    "Unsupported value",
    "Forbidden",
    "Duplicate value",
    "Too long",
    "Not found",
)


def refuse(resource: Resource, name: str, flaws: Iterable[Flaw]) -> None:
    """Raise `Invalid` where there are flaws."""
    found = tuple(map(_worded, flaws))
    if not found:
        return
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    texts = [f"{flaw.field}: {flaw.text}" for flaw in found]
    said = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    raise Invalid("object-invalid", f'{kind} "{name}" is invalid: {said}', resource=kind, name=name, flaws=found)


def required(field: str, why: str = "") -> Flaw:
    """A flaw: it has to be there."""
    return Flaw(field, f"Required value: {why}" if why else "Required value")


def wrong(field: str, value: Any, why: str) -> Flaw:
    """A flaw: it can't be this."""
    return Flaw(field, f"Invalid value: {shown(value)}: {why}")


def unsupported(field: str, value: Any, choices: Iterable[str]) -> Flaw:
    """A flaw: it is none of the values that there are."""
    return Flaw(field, f"Unsupported value: {shown(value)}: supported values: {', '.join(map(shown, sorted(choices)))}")


def forbidden(field: str, why: str) -> Flaw:
    """A flaw: it may not be so."""
    return Flaw(field, f"Forbidden: {why}")


def shown(value: Any) -> str:
    """A value as messages have it, cut where it is long."""
    return orjson.dumps(value).decode()[:500]


def _worded(flaw: Flaw) -> Flaw:
    return flaw if flaw.text.startswith(_WORDED) else wrong(flaw.field, flaw.value, flaw.text)
