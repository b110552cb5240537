"""Lists in parts: tokens, and the collection as it stood at an earlier revision."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import orjson

from libs.shared.errors import Gone, Malformed
from libs.shared.kinds.kind import D, Kind
from libs.shared.store.protocol import Change, Clause, Document, Equal, Find, Prefix, Range, Store


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


@dataclass(frozen=True, slots=True)
class Span:
    """Which documents of a collection a read looks at, by key: those that start so, or the one that is so, behind
    `after`; the first `limit` of them (0: all).
    """

    prefix: str = ""
    exact: str = ""
    after: str = ""
    limit: int = 0

    def holds(self, key: str) -> bool:
        """Whether a key lies in it, whatever the limit."""
        return key.startswith(self.prefix) and self.exact in ("", key) and key > self.after

    def find(self, kind: Kind[Any]) -> Find:
        """The query for it, in the order of the keys."""
        key = kind.document.KEY
        where: list[Clause] = []
        if self.exact:
            where.append(Equal(key, self.exact))
        elif self.prefix:
            where.append(Prefix(key, self.prefix))
        if self.after:
            where.append(Range(key, low=f"{self.after}\0"))
        return Find(tuple(where), limit=self.limit or None)


async def snapshot_at(store: Store, kind: Kind[D], revision: int | None, span: Span) -> tuple[int, list[D]]:
    """The span's documents as they stood at a revision (None: as they stand), in the order of their keys, and that
    revision.

    An earlier state is today's with the changes since then undone. Raises `Gone` when those aren't kept any more, or
    when the revision is still to come.
    """
    now, documents = await store.snapshot(kind.document, span.find(kind))
    if revision is None or revision == now:
        return now, documents
    if revision > now:
        raise Gone("revision-unknown", f"Too large resource version: {revision}, current: {now}")
    undone = [change for change in await _changes_between(store, kind, revision, now) if span.holds(change.key)]
    if undone and span.limit:
        # undoing may bring back what the limit has cut off or leave fewer than the limit: undo on all, then cut
        revision, documents = await snapshot_at(store, kind, revision, replace(span, limit=0))
        return revision, documents[: span.limit]
    standing: dict[str, Document] = {document.key: document for document in documents}
    for change in reversed(undone):
        if change.before is None:
            standing.pop(change.key, None)
        else:
            standing[change.key] = change.before
    ordered = (standing[key] for key in sorted(standing))
    return revision, [document for document in ordered if isinstance(document, kind.document)]


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
