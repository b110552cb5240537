"""A kind as data: names, scope, the document behind it, and the command behind each write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from libs.shared.http.route import Question
from libs.shared.store.protocol import Document, Unit

D = TypeVar("D", bound=Document)
JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """What a write of a kind is told besides its object."""

    user: str
    at: datetime
    answers: Mapping[str, Any]
    """The answers to the kind's questions, as the gateway signed them."""
    session: str = ""
    """The session that the request was made in, if any."""
    prepared: Any = None
    """What the kind's `prepare` gave."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Query parameters such as propagationPolicy, and those of a DeleteOptions body."""
    written: frozenset[str] = frozenset()
    """JSON pointers of the write-only fields that this request really carries."""


Show = Callable[[D], JsonObject]
Create = Callable[[Unit, JsonObject, Ask], Awaitable[D]]
Update = Callable[[Unit, D, JsonObject, Ask], Awaitable[D]]
Remove = Callable[[Unit, D, Ask], Awaitable[None]]
Vet = Callable[[D, Ask], None]
Prepare = Callable[[JsonObject, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[D]):
    """One kind of object, served at `/apis/<group>/<version>/<plural>`.

    `show` gives the whole object as clients see it, with `metadata.resourceVersion` from the document's stamp and
    without write-only fields. `update` gets the document as it stands and the object as it is to be (after a PUT or a
    patch, on the redacted form, plus the write-only fields that the request carries); it raises from the error tree.
    A write without a command is refused with 405. The document's key is the object's name, or `namespace/name` of a
    namespaced kind; it can be watched if it is `WATCHED`. `prepare` runs before the unit, outside it, for what takes
    time (hashing a password); its result is `ask.prepared`.
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    document: type[D]
    show: Show[D]
    create: Create[D] | None = None
    update: Update[D] | None = None
    remove: Remove[D] | None = None
    prepare: Prepare | None = None
    vet: Vet[D] | None = None
    """Raises `Denied` for an update by somebody who may change nothing, also where nothing changes: the answer to a
    patch shows the object."""
    write_only: tuple[str, ...] = ()
    short_names: tuple[str, ...] = ()
    namespaced: bool = False
    fields: tuple[str, ...] = ()
    """Dotted paths that a field selector may name, besides metadata.name and metadata.namespace."""
    categories: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    model: type[BaseModel] | None = None
    """The wire object's model, for OpenAPI."""

    @property
    def api_version(self) -> str:
        """`group/version`."""
        return f"{self.group}/{self.version}"

    @property
    def watched(self) -> bool:
        """Whether its changes are kept for watchers."""
        return self.document.WATCHED
