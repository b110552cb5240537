"""Lists in parts: tokens, and the collection as it stood at an earlier revision."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson

from libs.shared.errors import Gone, Malformed
from libs.shared.kinds.kind import D, Kind
from libs.shared.store.protocol import Change, Document, Store


@dataclass(frozen=True, slots=True)
class Token:
    """Where the next part of a list begins: after this key, at this revision (0: at whatever stands then)."""

    revision: int
    after: str

    def __str__(self) -> str:
        raw = orjson.dumps({"v": 1, "rv": self.revision, "after": self.after})
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_token(text: str) -> Token:
    """The token that a client gives back; raises `Malformed`."""
    try:
        raw = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        raise _unreadable() from None
    match raw:
        case {"v": 1, "rv": int(revision), "after": str(after)} if revision >= 0:
            return Token(revision, after)
    raise _unreadable()


def _unreadable() -> Malformed:
    return Malformed("continue-unreadable", "continue key is not valid: use the token of an earlier answer unchanged")


def expired_list(token: Token) -> Gone:
    """The list's revision isn't kept any more. Kubernetes' text; the new token goes on without consistency."""
    return Gone(
        "continue-expired",
        "The provided continue parameter is too old to display a consistent list result. You can start a new list"
        f" without the continue parameter, or go on with {Token(0, token.after)}, which results in an inconsistent"
        " list: objects that were created, modified, or deleted between the time the first chunk was returned and now"
        " may show up in the list.",
    )


async def snapshot_at(store: Store, kind: Kind[D], revision: int | None) -> tuple[int, list[D]]:
    """The collection as it stood at a revision (None: as it stands), and that revision.

    An earlier state is today's with the changes since then undone. Raises `Gone` when those aren't kept any more, or
    when the revision is still to come.
    """
    now, documents = await store.snapshot(kind.document)
    if revision is None or revision == now:
        return now, documents
    if revision > now:
        raise Gone("revision-unknown", f"Too large resource version: {revision}, current: {now}")
    standing: dict[str, Document] = {document.key: document for document in documents}
    for change in reversed(await _changes_between(store, kind, revision, now)):
        if change.before is None:
            standing.pop(change.key, None)
        else:
            standing[change.key] = change.before
    return revision, [document for document in standing.values() if isinstance(document, kind.document)]


async def _changes_between(store: Store, kind: Kind[Any], after: int, until: int) -> Sequence[Change]:
    found: list[Change] = []
    async with aclosing(store.changes(after, [kind.document])) as batches:
        known = await store.revision()
        async for batch in batches:
            found += [change for change in batch if change.revision <= until]
            if batch[-1].revision >= until if batch else known >= until:
                break
            known = await store.revision()
    return found
