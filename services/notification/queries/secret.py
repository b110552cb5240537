"""Opening credentials: sealed with what names them, or in a secret of the same owner."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from libs.shared.errors import Invalid
from libs.shared.sealing import Sealer
from libs.shared.store.protocol import Store
from libs.shared.values import Secret
from services.notification.domain.credential import REFERENCE, SEALED
from services.notification.domain.object import Kept, NoteSecret


def belongs(plural: str, name: str, place: str) -> str:
    """What a sealed credential is bound to."""
    return f"{plural}/{name}/{place}"


async def revealed(store: Store, sealer: Sealer, kept: Kept, place: str) -> Secret | None:
    """The credential at a place of what an object says, `slack/slackTokenSecret`; None where there is none.

    A secret that it refers to has to be of the same owner: else a tenant could send the platform's to himself. Raises
    `Invalid` for one that isn't there, `Broken` for one that can't be opened.
    """
    said: Any = kept.spec
    for step in place.split("/"):
        said = said.get(step) if isinstance(said, Mapping) else None
    if not isinstance(said, Mapping):
        return None
    if SEALED in said:
        return sealer.unseal(str(said[SEALED]), belongs(kept.NOUN.plural, kept.name, place))
    reference = said.get(REFERENCE)
    reference = reference.get("secretKeyRef") if isinstance(reference, Mapping) else None
    if not isinstance(reference, Mapping):
        return None
    return await _referred(store, sealer, kept.owner, (str(reference.get("name", "")), str(reference.get("key", ""))))


async def _referred(store: Store, sealer: Sealer, owner: str, where: tuple[str, str]) -> Secret:
    name, key = where
    secret = await store.of(NoteSecret).look(name) if name else None
    said = secret.part("data").get(key) if secret is not None and secret.owner == owner else None
    if secret is None or not isinstance(said, Mapping) or SEALED not in said:
        raise Invalid("secret-missing", f"there is no secret {name[:100]} with a key {key[:100]}")
    sealed = sealer.unseal(str(said[SEALED]), belongs(secret.NOUN.plural, name, f"data/{key}"))
    try:
        return Secret(base64.b64decode(sealed.reveal(), validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        raise Invalid("secret-unreadable", f"the secret {name} holds no text in {key}") from None
