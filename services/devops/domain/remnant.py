"""What is left of a project or a pipeline that is gone, until a worker has swept it."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.store.protocol import Document, Index


class Remnant(Document):
    """Of a project (`pipeline` empty) or of one of its pipelines; its key is that of what is gone."""

    COLLECTION: ClassVar[str] = "remnants"
    KEY: ClassVar[str] = "path"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("project",)),)

    path: str
    project: str
    pipeline: str = ""
