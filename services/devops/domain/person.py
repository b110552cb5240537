"""What is known here of a user: followed from accounts' events, so that members can be shown."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.store.protocol import Document


class Person(Document):
    """A user's account, as far as a list of members shows it."""

    COLLECTION: ClassVar[str] = "people"

    name: str
    uid: str = ""
    email: str = ""
    lang: str = ""
    state: str = ""
