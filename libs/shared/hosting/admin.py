"""The first password of `admin`: given, or made at the first start and shown once."""

from __future__ import annotations

from dataclasses import dataclass

from libs.shared.config.suite import Suite
from libs.shared.hosting.folder import Folder
from libs.shared.hosting.keys import made_password
from libs.shared.private import write_private
from libs.shared.values import Secret

ADMIN = "accounts"
"""The service that keeps the account `admin`."""
MADE = "admin-password"
STARTED = "admin-password-shown"


@dataclass(frozen=True, slots=True)
class FirstPassword:
    """What accounts is handed, and what is to be shown."""

    password: Secret | None
    made: bool

    @property
    def to_show(self) -> str:
        """The made password, or empty text."""
        return self.password.reveal() if self.password is not None and self.made else ""


NO_PASSWORD = FirstPassword(None, made=False)


def first_password(suite: Suite, folder: Folder) -> FirstPassword:
    """The password for a first start. A made one is kept until it has been shown, so that a start that was cut off
    before it shows the same one the next time.
    """
    keys = folder.within("keys")
    if suite.admin_password:
        return FirstPassword(suite.admin_password, made=False)
    if (keys / STARTED).exists():
        return FirstPassword(None, made=False)
    write_private(keys / MADE, made_password().encode())
    return FirstPassword(Secret((keys / MADE).read_text()), made=True)


def shown(folder: Folder) -> None:
    """Remember that the first start is over; the made password is kept no longer."""
    keys = folder.within("keys")
    write_private(keys / STARTED, b"")
    (keys / MADE).unlink(missing_ok=True)
