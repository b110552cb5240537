"""Receivers, configs, routers, silences and what goes with them, as documents: whose they are, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from libs.shared.contracts.notification_v1 import (
    NotificationObjectChanged,
    NotificationObjectCreated,
    NotificationObjectDeleted,
)
from libs.shared.store.protocol import Document, Index
from services.notification.domain.noun import TENANT, TYPE, USER, Noun

NOTHING: Mapping[str, Any] = {}


class Kept(Document):
    """What all of them share. Credentials in `spec` are sealed. `owner` is the tenant, empty for the platform's own."""

    WATCHED: ClassVar[bool] = True
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("owner",)),)
    NOUN: ClassVar[Noun]

    name: str
    uid: str
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    created_at: datetime
    generation: int = 1
    owner: str = ""
    spec: Mapping[str, Any] = NOTHING

    def changed(self, **update: object) -> Self:
        """Itself with these fields, one generation on; its stamp goes along."""
        after = self.model_copy(update={**update, "generation": self.generation + 1})
        return after.stamped(replace(self.stamp))

    def part(self, channel: str) -> Mapping[str, Any]:
        """What it says of one channel; empty where it says nothing."""
        found = self.spec.get(channel)
        return found if isinstance(found, Mapping) else NOTHING


class Config(Kept):
    """How a channel is reached: mail servers, tokens."""

    COLLECTION: ClassVar[str] = "configs"
    NOUN: ClassVar[Noun] = Noun("configs", "config", "Config", globally="default")


class Receiver(Kept):
    """Who is told, by which channels, of which alerts."""

    COLLECTION: ClassVar[str] = "receivers"
    NOUN: ClassVar[Noun] = Noun("receivers", "receiver", "Receiver")


class Router(Kept):
    """Alerts that go to receivers whosever they are."""

    COLLECTION: ClassVar[str] = "routers"
    NOUN: ClassVar[Noun] = Noun("routers", "router", "Router", tenants=False)


class Silence(Kept):
    """Alerts that nobody is told of for a while, or not this tenant."""

    COLLECTION: ClassVar[str] = "silences"
    NOUN: ClassVar[Noun] = Noun("silences", "silence", "Silence")


class NotificationManager(Kept):
    """What the console reads as the engine's settings."""

    COLLECTION: ClassVar[str] = "notificationmanagers"
    NOUN: ClassVar[Noun] = Noun("notificationmanagers", "notificationmanager", "NotificationManager", tenants=False)


class NoteSecret(Kept):
    """Secrets that configs and receivers refer to; `spec` is `data`, sealed value by value, and `type`."""

    COLLECTION: ClassVar[str] = "secrets"
    WATCHED: ClassVar[bool] = False
    NOUN: ClassVar[Noun] = Noun("secrets", "secret", "Secret", core=True)


class NoteText(Kept):
    """Texts for templates; `spec` is `data`."""

    COLLECTION: ClassVar[str] = "configmaps"
    WATCHED: ClassVar[bool] = False
    NOUN: ClassVar[Noun] = Noun("configmaps", "configmap", "ConfigMap", core=True)


OBJECTS: Mapping[str, type[Kept]] = {
    kind.NOUN.plural: kind for kind in (NotificationManager, Config, Receiver, Router, Silence, NoteSecret, NoteText)
}


@dataclass(frozen=True, slots=True)
class Wish:
    """An object as somebody wants it; its spec holds credentials as they were typed."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)


def owner_of(labels: Mapping[str, str]) -> str:
    """Whose an object of these labels is."""
    return labels.get(USER, "") if labels.get(TYPE) == TENANT else ""


def make(kind: type[Kept], wish: Wish, *, uid: str, by: str, at: datetime) -> tuple[Kept, NotificationObjectCreated]:
    """A new object, whose labels say whose it is."""
    kept = kind(
        name=wish.name,
        uid=uid,
        labels=wish.labels,
        annotations=wish.annotations,
        created_at=at,
        owner=owner_of(wish.labels),
        spec=wish.spec,
    )
    return kept, NotificationObjectCreated(**_told(kept, by))


def change(kept: Kept, wish: Wish, *, by: str) -> tuple[Kept, NotificationObjectChanged]:
    """The object as wished."""
    after = kept.changed(labels=wish.labels, annotations=wish.annotations, owner=owner_of(wish.labels), spec=wish.spec)
    return after, NotificationObjectChanged(**_told(after, by))


def remove(kept: Kept, *, by: str) -> NotificationObjectDeleted:
    """That it is gone."""
    return NotificationObjectDeleted(**_told(kept, by))


def _told(kept: Kept, by: str) -> dict[str, str]:
    return {"resource": kept.NOUN.plural, "name": kept.name, "owner": kept.owner, "uid": kept.uid, "by": by}
