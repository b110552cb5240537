"""Up to where a channel is read."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.store.protocol import Document


class Read(Document):
    """The position of the last message of a channel that is kept."""

    COLLECTION: ClassVar[str] = "read"
    KEY: ClassVar[str] = "channel"

    channel: str
    position: str = ""
