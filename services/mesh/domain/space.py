"""Namespaces as the mesh needs them: to which workspace what happens in one belongs."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.store.protocol import Document


class Space(Document):
    """A namespace that belongs to a workspace."""

    COLLECTION: ClassVar[str] = "spaces"

    name: str
    uid: str
    workspace: str
