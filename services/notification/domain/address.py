"""Where a user's letters go, and what counts as an address at all."""

from __future__ import annotations

import re
from datetime import datetime
from email.headerregistry import Address as MailAddress
from email.utils import parseaddr
from typing import ClassVar

from libs.shared.errors import Invalid
from libs.shared.store.protocol import Document, Index

LONGEST = 254
"""RFC 5321, 4.5.3.1.3, less the angle brackets."""
ADDRESS = re.compile(r"[^\s<>()\[\]\\,;:@\"\x00-\x1f\x7f]{1,64}@[^\W_]([\w-]*[^\W_])?(\.[^\W_]([\w-]*[^\W_])?)*")


class Address(Document):
    """A user's address. Of a deleted user nothing is kept but that he is gone, so that late letters find that out."""

    COLLECTION: ClassVar[str] = "addresses"
    KEY: ClassVar[str] = "user"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("gone", "changed_at")),)

    user: str
    email: str = ""
    """Empty where the user has none that a letter could go to."""
    lang: str = ""
    gone: bool = False
    changed_at: datetime


def is_address(text: str) -> bool:
    """Whether a letter could go there: one mailbox (RFC 5321), unquoted; letters beyond ASCII are fine (RFC 6531)."""
    return len(text) <= LONGEST and ADDRESS.fullmatch(text) is not None


def known(user: str, email: str, lang: str, at: datetime) -> Address:
    """The address as accounts tells it."""
    return Address(user=user, email=email if is_address(email) else "", lang=lang, changed_at=at)


def forgotten(user: str, at: datetime) -> Address:
    """The user is gone: only that is kept."""
    return Address(user=user, gone=True, changed_at=at)


def mailbox_of(text: str) -> MailAddress:
    """`Name <address>` or an address alone; raises `Invalid`."""
    name, address = parseaddr(text)
    if not is_address(address) or any(ord(c) < ord(" ") for c in text):
        raise Invalid("mail-sender", f"{text!r} is no sender: an address, or Name <address>, is accepted")
    local, _, host = address.rpartition("@")
    return MailAddress(display_name=name, username=local, domain=host)
