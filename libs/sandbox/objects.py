"""Every object of the sandbox, in memory and on disk, with Kubernetes' rules of versions, finalizers and deletion.

The API server and the controllers share one `Objects`. Resources are named by id: `pods`, `deployments.apps`,
`rolebindings.rbac.authorization.k8s.io` (`Resource.id`). Writes are synchronous and seen at once by everybody in this
process; `await saved()` returns when all so far are on disk, which the API server awaits before it answers.

    get(resource, name, namespace="") -> dict                     raises Missing
    find(resource, name, namespace="") -> dict | None
    list(resource, namespace="", *, labels=None, fields=None) -> list[dict]     sorted by namespace and name
    create(resource, body, namespace="") -> dict                  name or generateName; raises Exists, Missing, Denied
    replace(resource, body, part=Part.ALL) -> dict                checks metadata.resourceVersion where it is given
    update(resource, name, namespace, change, part=Part.ALL) -> dict            change(copy) -> None, edits the copy
    delete(resource, name, namespace="", *, wish=Deletion()) -> dict            marked, or the last that there was
    watch(*resources, since=None) -> AsyncIterator[Change]        from now on, or after a revision; raises Gone
    await saved()
    catalogue, clock, revision

What is given out is shared: read it, never change it (`update` hands a copy). `Part.ALL` takes spec and status,
`Part.MAIN` keeps the status that stands, `Part.STATUS` takes the status alone. Deleting marks an object that has
finalizers (`metadata.deletionTimestamp`), as it does a Pod that runs on a node (its node ends it and deletes it with
`Deletion(grace=0)`) and a Namespace (whose controller empties it and then takes "kubernetes" out of
`spec.finalizers`); the write that takes out the last finalizer removes it. A wish to orphan or to delete in the
foreground becomes the finalizer `orphan` or `foregroundDeletion`, which garbage collection acts on and takes out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from libs.sandbox import lifecycle
from libs.sandbox.changes import Change, Cursor, History, Stored, Type
from libs.sandbox.copying import copied
from libs.sandbox.disk import Disk
from libs.sandbox.lifecycle import Deletion, Part
from libs.sandbox.resource import Catalogue, Resource
from libs.sandbox.shelves import Key, Shelf
from libs.shared.errors import Denied, Exists, Flaw, Limited, Missing, Stale
from libs.shared.objects.fields import FieldSelector
from libs.shared.objects.selectors import Selector
from libs.shared.values import Clock, Ids

MOST = 200_000
"""Objects in all."""
TRIES = 8
"""How often a name is generated before it is refused as taken."""
LEAP = 100_000
"""Revisions skipped at a start: what a killed process told and had not yet written is never given out again."""

Body = dict[str, Any]


class Objects:
    """See the module. Opened by `opened`; belongs to one event loop."""

    def __init__(self, disk: Disk, catalogue: Catalogue, clock: Clock, ids: Ids, revision: int) -> None:
        self.catalogue = catalogue
        self.clock = clock
        self.revision = revision
        self._ids = ids
        self._disk = disk
        self._shelves: dict[str, Shelf] = {}
        self._count = 0
        self._history = History(revision)

    def get(self, resource: str, name: str, namespace: str = "") -> Body:
        """The object; raises `Missing`."""
        return self.stored(resource, name, namespace).body

    def find(self, resource: str, name: str, namespace: str = "") -> Body | None:
        """The object, if there is one."""
        stored = self._shelf(resource).get((namespace, name))
        return stored.body if stored else None

    def stored(self, resource: str, name: str, namespace: str = "") -> Stored:
        """The object with its bytes; raises `Missing`."""
        stored = self._shelf(resource).get((namespace, name))
        if stored is None:
            raise _missing(resource, name)
        return stored

    def list(
        self,
        resource: str,
        namespace: str = "",
        *,
        labels: Selector | None = None,
        fields: FieldSelector | None = None,
    ) -> list[Body]:
        """Objects of a namespace, or of all, by namespace and name."""
        return [
            stored.body
            for stored in self.shelf(resource, namespace)
            if (not labels or labels.matches(stored.body["metadata"].get("labels") or {}))
            and (not fields or fields.meets(stored.body))
        ]

    def shelf(self, resource: str, namespace: str = "", after: Key | None = None) -> Iterator[Stored]:
        """The same with their bytes and unselected; those after a namespace and name."""
        return self._shelf(resource).within(namespace, after)

    def count(self, resource: str, namespace: str = "", after: Key | None = None) -> int:
        """How many these are."""
        return self._shelf(resource).count(namespace, after)

    def _shelf(self, resource: str) -> Shelf:
        return self._shelves.get(resource) or Shelf()

    def create(self, resource: str, body: Body, namespace: str = "", *, dry: bool = False) -> Body:
        """Put a new object; raises `Exists`, `Missing` (its namespace), `Denied` (that one ends), `Limited`.

        With `dry` everything is checked and made, and nothing kept.
        """
        kind = self.resource(resource)
        if self._count >= MOST:
            raise Limited("too-many-objects", f"the sandbox holds at most {MOST} objects")
        body = self._made(kind, body, namespace)
        name, namespace = body["metadata"]["name"], body["metadata"].get("namespace", "")
        self._room_for(kind, name, namespace)
        if self.find(resource, name, namespace) is not None:
            raise Exists(
                "object-exists",
                f'{resource} "{name}" already exists',
                resource=resource,
                name=name,
            )
        return body if dry else self._put(kind, body, None)

    def _made(self, kind: Resource, sent: Body, namespace: str) -> Body:
        """What was sent as a new object; a name that is given to it is tried again where it is taken."""
        given = bool((sent.get("metadata") or {}).get("name"))
        for _ in range(TRIES):
            body = lifecycle.made(kind, sent, namespace, at=self.clock(), uid=self._ids(), noise=self._ids())
            metadata = body["metadata"]
            if given or self.find(kind.id, metadata["name"], metadata.get("namespace", "")) is None:
                break
        return body

    def replace(self, resource: str, body: Body, part: Part = Part.ALL, *, dry: bool = False) -> Body:
        """Put a new version; one equal to what stands changes nothing. Raises `Missing`, `Stale`.

        Without `metadata.resourceVersion` the last writer wins.
        """
        kind = self.resource(resource)
        wanted = body.get("metadata") or {}
        current = self.stored(resource, wanted.get("name", ""), wanted.get("namespace", ""))
        check_version(resource, current.body, wanted.get("resourceVersion") or "", wanted.get("uid") or "")
        following = lifecycle.following(kind, current.body, body, part)
        if following == current.body:
            return current.body
        if dry:
            return following
        if lifecycle.ended(following):
            return self._drop(kind, following, current)
        return self._put(kind, following, current)

    def update(
        self, resource: str, name: str, namespace: str, change: Callable[[Body], None], part: Part = Part.ALL
    ) -> Body:
        """Edit a copy and put it; nothing can come between. Raises `Missing`."""
        body = copied(self.get(resource, name, namespace))
        change(body)
        return self.replace(resource, body, part)

    def delete(
        self, resource: str, name: str, namespace: str = "", *, wish: Deletion | None = None, dry: bool = False
    ) -> Body:
        """Remove it, or mark it where something has to be done first; raises `Missing`, `Stale`.

        `find` tells whether it is gone.
        """
        kind = self.resource(resource)
        wish = wish or Deletion()
        current = self.stored(resource, name, namespace)
        check_version(resource, current.body, wish.version, wish.uid)
        marked = lifecycle.marked(kind, current.body, wish, self.clock())
        if dry or marked == current.body:
            return marked
        if lifecycle.ended(marked):
            return self._drop(kind, marked, current)
        return self._put(kind, marked, current)

    async def watch(self, *resources: str, since: int | None = None) -> AsyncIterator[Change]:
        """What happens to objects of these resources; raises `Gone` when the watcher is too far behind."""
        async for change in self._history.watch(resources, self.revision if since is None else since):
            yield change

    def cursor(self, resource: str, since: int) -> Cursor:
        """The same as a place to take from; raises `Gone`."""
        return self._history.cursor((resource,), since)

    def follow(self, resources: Iterable[str]) -> Cursor:
        """A place to take from what happens to all of these from now on."""
        return self._history.cursor(resources, self.revision)

    async def saved(self) -> None:
        """Return when every write so far is on disk; raises `Broken` when it can't be."""
        await self._disk.saved()

    def resource(self, identity: str) -> Resource:
        """The resource called so; raises `Missing`."""
        found = self.catalogue.by_id(identity)
        if found is None:
            raise Missing("no-resource", "the server could not find the requested resource")
        return found

    def load(self, resource: str, raw: bytes) -> None:
        """Put what was on disk."""
        body = orjson.loads(raw)
        metadata = body["metadata"]
        key = (metadata.get("namespace", ""), metadata["name"])
        self._shelves.setdefault(resource, Shelf()).put(key, Stored(body, int(metadata["resourceVersion"]), raw))
        self._count += 1

    def _room_for(self, kind: Resource, name: str, namespace: str) -> None:
        """Whether the namespace is there, and stays."""
        if not kind.namespaced:
            return
        space = self.find("namespaces", namespace)
        if space is None:
            raise _missing("namespaces", namespace)
        if "deletionTimestamp" in space["metadata"]:
            text = f"unable to create new content in namespace {namespace} because it is being terminated"
            flaw = Flaw("metadata.namespace", f"namespace {namespace} is being terminated")
            raise Denied(
                "namespace-terminating",
                f'{kind.id} "{name}" is forbidden: {text}',
                resource=kind.id,
                name=name,
                flaws=(flaw,),
            )

    def _put(self, kind: Resource, body: Body, previous: Stored | None) -> Body:
        stored = self._next(kind, body)
        metadata = body["metadata"]
        key = (kind.id, metadata.get("namespace", ""), metadata["name"])
        self._disk.note(key, stored, stored.revision)
        self.revision = stored.revision
        self._shelves.setdefault(kind.id, Shelf()).put(key[1:], stored)
        self._count += previous is None
        self._history.add(Change(Type.MODIFIED if previous else Type.ADDED, kind.id, stored, previous))
        return body

    def _drop(self, kind: Resource, body: Body, previous: Stored) -> Body:
        stored = self._next(kind, body)
        metadata = body["metadata"]
        key = (kind.id, metadata.get("namespace", ""), metadata["name"])
        self._disk.note(key, None, stored.revision)
        self.revision = stored.revision
        self._shelves[kind.id].drop(key[1:])
        self._count -= 1
        self._history.add(Change(Type.DELETED, kind.id, stored, previous))
        return body

    def _next(self, kind: Resource, body: Body) -> Stored:
        revision = self.revision + 1
        body["apiVersion"], body["kind"] = kind.api_version, kind.kind
        body["metadata"]["resourceVersion"] = str(revision)
        return Stored(body, revision)


def check_version(resource: str, current: Body, version: str, uid: str) -> None:
    """Whether what stands is what the caller means; raises `Stale`."""
    metadata = current["metadata"]
    name = metadata["name"]
    if uid and uid != metadata["uid"]:
        text = (
            f'Operation cannot be fulfilled on {resource} "{name}": Precondition failed: UID in precondition: {uid}, '
            f"UID in object meta: {metadata['uid']}"
        )
        raise Stale("object-other", text, resource=resource, name=name)
    if version and version != metadata["resourceVersion"]:
        text = (
            f'Operation cannot be fulfilled on {resource} "{name}": the object has been modified; please apply your '
            "changes to the latest version and try again"
        )
        raise Stale("object-changed", text, resource=resource, name=name)


def _missing(resource: str, name: str) -> Missing:
    return Missing("object-missing", f'{resource} "{name}" not found', resource=resource, name=name)


@asynccontextmanager
async def opened(path: Path, catalogue: Catalogue, clock: Clock, ids: Ids) -> AsyncIterator[Objects]:
    """The objects kept in this file; raises `Broken` when it can't be used."""
    disk = Disk(path)
    with disk.read() as contents:
        objects = Objects(disk, catalogue, clock, ids, contents.revision + LEAP if contents.revision else 1)
        for resource, raw in contents.rows:
            objects.load(resource, raw)
    disk.start()
    try:
        yield objects
    finally:
        await disk.close()
