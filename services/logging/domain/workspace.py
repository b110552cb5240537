"""When a workspace was founded: its members see audit records of it from then on."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from libs.shared.store.protocol import Document

TIME_ORDERED = 7


class Founded(Document):
    """A workspace that stands, by name."""

    COLLECTION: ClassVar[str] = "workspaces"
    KEY: ClassVar[str] = "workspace"

    workspace: str
    uid: str


def founded_at(uid: str) -> int | None:
    """Milliseconds since 1970 that a UUID of version 7 begins with (RFC 9562, 5.7); None for another one."""
    try:
        read = UUID(uid)
    except ValueError:
        return None
    return read.int >> 80 if read.version == TIME_ORDERED else None
