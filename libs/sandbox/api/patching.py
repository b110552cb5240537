"""The kinds of patch: JSON patch, merge patch; server-side apply is of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from libs.sandbox.api import bodies
from libs.shared.errors import Malformed, Unsupported
from libs.shared.objects import patches

JSON_PATCH: Final = "application/json-patch+json"
MERGE: Final = "application/merge-patch+json"
APPLY: Final = "application/apply-patch+yaml"
TAKEN: Final = f"{JSON_PATCH}, {MERGE}, {APPLY}"

Change = Callable[[dict[str, Any]], Any]


def reads(media: str, raw: bytes) -> Change:
    """What the body makes of an object; raises `Unsupported`, `Malformed`."""
    if media == JSON_PATCH:
        operations = patches.read_patch(bodies.from_json(raw))
        return lambda body: patches.apply_patch(body, operations)
    if media == MERGE:
        wish = bodies.from_json(raw)
        if not isinstance(wish, dict):
            raise Malformed("patch-unreadable", "a merge patch is one object")
        return lambda body: patches.merge(body, wish)
    raise Unsupported(
        "media-type-unsupported",
        f"the body of the request was in an unknown format - accepted media types include: {TAKEN}",
    )
