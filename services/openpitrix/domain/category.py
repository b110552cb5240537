"""Categories of the store, and files that apps show: icons and screenshots."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from libs.shared.errors import Conflict, Exists, Malformed
from libs.shared.store.protocol import Document, Index
from services.openpitrix.domain.app import UNCATEGORIZED

LONGEST_NAME: Final = 128
LONGEST_DESCRIPTION: Final = 2048


class Category(Document):
    """One category."""

    COLLECTION: ClassVar[str] = "categories"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("name",), unique=True),)

    id: str
    name: str
    description: str = ""
    created_at: datetime


class Attachment(Document):
    """A file that whoever knows its id may see; `digest` names its blob."""

    COLLECTION: ClassVar[str] = "attachments"
    KEY: ClassVar[str] = "id"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("digest",)),)

    id: str
    digest: str
    size: int
    created_at: datetime


def make(identity: str, name: str, description: str, at: datetime) -> Category:
    """A new one; raises `Malformed`."""
    check_name(name)
    return Category(id=identity, name=name, description=description[:LONGEST_DESCRIPTION], created_at=at)


def uncategorized(at: datetime) -> Category:
    """The one that is always there."""
    return Category(id=UNCATEGORIZED, name="uncategorized", created_at=at)


def check_name(name: str) -> None:
    """Raise `Malformed` for what no category is called."""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Malformed("category-name", f"the name of a category is text of 1 to {LONGEST_NAME} letters")


def taken(name: str) -> Exists:
    """That there is one of this name."""
    return Exists("category-exists", f"category {name} exists")


def in_use(category: Category) -> Conflict:
    """The refusal to remove one that has apps."""
    return Conflict("category-in-use", f"category {category.name} owns application")
