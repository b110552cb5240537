"""Reading a whole collection in pages by key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from libs.shared.store.protocol import Document, Find, Range, Store

D = TypeVar("D", bound=Document)
PAGE = 500
"""Documents read at a time."""


async def every(store: Store, kind: type[D]) -> AsyncIterator[D]:
    """Every document of a kind: one that comes or goes meanwhile moves no other out of sight."""
    last = ""
    while True:
        page = await store.of(kind).find(Find((Range(kind.KEY, low=last),), sort=kind.KEY, limit=PAGE + 1))
        for document in page:
            if document.key > last:
                yield document
        if len(page) <= PAGE:
            return
        last = page[-1].key
