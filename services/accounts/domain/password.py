"""What a password must be, and the document that keeps its hash."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import PlainSerializer

from libs.shared.errors import Flaw
from libs.shared.store.protocol import Document
from libs.shared.values import Secret
from services.accounts.domain.resource import USERS

SHORTEST, LONGEST = 8, 64
BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{21}([./A-Za-z0-9])[./A-Za-z0-9]{31}")
CHEAPEST, COSTLIEST = 4, 14
"""The bcrypt costs that are taken: below 4 there is no bcrypt; 14 takes about a second to verify, 31 would take a
day.
"""
SALT_ENDS = ".Oeu"
"""Last letters of a bcrypt salt: 16 bytes fill 21 letters and two bits of the next."""

Kept = Annotated[Secret, PlainSerializer(Secret.reveal, return_type=str)]
"""A secret that its own document keeps in clear: for hashes alone."""


class Credential(Document):
    """The hash of one user's password: argon2id (PHC string), or bcrypt of an imported user. Nobody is shown it."""

    COLLECTION: ClassVar[str] = "credentials"
    KEY: ClassVar[str] = "user"

    user: str
    hash: Kept
    changed_at: datetime


def imported(password: Secret) -> bool:
    """Whether it is no password but the bcrypt hash of one."""
    return BCRYPT.fullmatch(password.reveal()) is not None


def rule_against(password: Secret) -> str:
    """The rule that it breaks, as the end of a sentence, or empty text."""
    text = password.reveal()
    match = BCRYPT.fullmatch(text)
    if match:
        return _rule_against_hash(int(match[1]), match[2])
    if len(text) < SHORTEST:
        return f"should be at least {SHORTEST} chars long"
    if len(text) > LONGEST:
        return f"should be at most {LONGEST} chars long"
    wanted = (("lower-case letter", str.islower), ("upper-case letter", str.isupper), ("digit", str.isdigit))
    lacking = [what for what, is_one in wanted if not any(is_one(letter) for letter in text)]
    return f"should have at least one {' and one '.join(lacking)}" if lacking else ""


def check(user: str, password: Secret) -> None:
    """Raise `Invalid` unless it may be this user's password; the flaw never repeats it (spec 4.8; KubeSphere's own
    answer does).
    """
    rule = rule_against(password)
    if rule:
        raise USERS.invalid(user, Flaw("spec.password", f'Invalid value: "***": spec.password in body {rule}'))


def _rule_against_hash(cost: int, salt_end: str) -> str:
    if not CHEAPEST <= cost <= COSTLIEST:
        return f"should have a cost from {CHEAPEST:02} to {COSTLIEST} where it is a bcrypt hash"
    return "" if salt_end in SALT_ENDS else "should have a salt of 16 bytes where it is a bcrypt hash"
