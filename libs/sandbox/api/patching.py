"""The kinds of patch: JSON patch, merge patch, strategic merge patch; server-side apply is of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from libs.sandbox.api import bodies, strategic
from libs.shared.errors import Malformed, Unsupported
from libs.shared.objects import patches

JSON_PATCH: Final = "application/json-patch+json"
MERGE: Final = "application/merge-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
APPLY: Final = "application/apply-patch+yaml"

Change = Callable[[dict[str, Any]], Any]


def taken(*, custom: bool) -> tuple[str, ...]:
    """Media types of patches that a resource takes; kinds of others know no strategy."""
    return (JSON_PATCH, MERGE, APPLY) if custom else (JSON_PATCH, MERGE, STRATEGIC, APPLY)


def reads(media: str, raw: bytes, *, custom: bool) -> Change:
    """What the body makes of an object; raises `Unsupported`, `Malformed`."""
    if media not in taken(custom=custom):
        raise Unsupported(
            "media-type-unsupported",
            "the body of the request was in an unknown format - accepted media types include: "
            + ", ".join(taken(custom=custom)),
        )
    wish = bodies.from_json(raw)
    if media == JSON_PATCH:
        operations = patches.read_patch(wish)
        return lambda body: patches.apply_patch(body, operations)
    if not isinstance(wish, dict):
        raise Malformed("patch-unreadable", "a merge patch is one object")
    if media == STRATEGIC:
        return lambda body: strategic.merged(body, wish)
    return lambda body: patches.merge(body, wish)
