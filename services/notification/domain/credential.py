"""Credentials within what an object says: `{"value": "…"}` is sealed where it is kept and never shown again.

An empty value leaves what stands, as long as the channel still goes where it went: who may change where a message goes
doesn't thereby learn the password that goes along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

VALUE: Final = "value"
SEALED: Final = "sealed"
REFERENCE: Final = "valueFrom"
PLACES: Final = ("url", "service", "smartHost", "wechatApiUrl", "webhook")
"""What says where a channel goes."""

Seal = Callable[[str, str], str]
"""From the place of a credential and its text to sealed text."""


def sealed(spec: Mapping[str, Any], seal: Seal, before: Mapping[str, Any], *, always: bool) -> dict[str, Any]:
    """The spec with its credentials sealed; `before` is the one that stands, sealed. `always` keeps what is left empty
    wherever its channel goes: for secrets, which go nowhere.
    """
    kept: dict[str, Any] = {}
    for channel, said in spec.items():
        stood = before.get(channel)
        stays = isinstance(said, Mapping) and isinstance(stood, Mapping) and (always or _same_place(said, stood))
        kept[channel] = _sealed(said, seal, stood if stays else None, channel)
    return kept


def _same_place(said: Mapping[str, Any], stood: Mapping[str, Any]) -> bool:
    return all(masked(said.get(name)) == masked(stood.get(name)) for name in PLACES)


def _sealed(said: Any, seal: Seal, stood: Any, place: str) -> Any:
    if isinstance(said, list):
        return [_sealed(one, seal, None, f"{place}/{index}") for index, one in enumerate(said)]
    if not isinstance(said, Mapping):
        return said
    if is_credential(said):
        if said[VALUE]:
            return {SEALED: seal(place, said[VALUE])}
        return {SEALED: stood[SEALED]} if isinstance(stood, Mapping) and SEALED in stood else {VALUE: ""}
    inner = stood if isinstance(stood, Mapping) else {}
    return {key: _sealed(one, seal, inner.get(key), f"{place}/{key}") for key, one in said.items() if key != SEALED}


def is_credential(said: Mapping[str, Any]) -> bool:
    """Whether this is a credential that is given by its value."""
    return isinstance(said.get(VALUE), str) and said.keys() <= {VALUE, REFERENCE}


def masked(said: Any) -> Any:
    """As clients see it: what is sealed is an empty value."""
    if isinstance(said, list):
        return [masked(one) for one in said]
    if not isinstance(said, Mapping):
        return said
    if SEALED in said:
        return {VALUE: ""}
    return {key: masked(one) for key, one in said.items()}
