"""Which workspace a namespace belongs to, as the cluster service tells it."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.store.protocol import Document


class Project(Document):
    """A namespace that stands."""

    COLLECTION: ClassVar[str] = "projects"
    KEY: ClassVar[str] = "namespace"

    namespace: str
    uid: str = ""
    workspace: str = ""
