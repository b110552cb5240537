"""Credentials as Secrets on the wire: keys with empty values, but for the user's name (devops-apps-mesh 6)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from libs.shared.errors import Malformed
from libs.shared.objects.meta import instant
from libs.shared.objects.reading import Reading
from libs.shared.objects.shapes import ObjectShape
from services.devops.domain.credential import PREFIX, SHOWN, Credential, CredentialWish
from services.devops.shapes.metadata import JsonObject, metadata

AUTOSYNC: Final = PREFIX + "autosync"
SYNCED: Final[Mapping[str, str]] = {PREFIX + "syncstatus": "pending"}
SYNCTIME: Final = PREFIX + "synctime"
OURS: Final = (AUTOSYNC, PREFIX + "syncstatus", SYNCTIME, PREFIX + "syncmsg", PREFIX + "datahash")
"""Annotations that a client's word counts for nothing in."""
MOST_PARTS: Final = 20


class CredentialShape(ObjectShape):
    """A Secret of a type such as credential.devops.kubesphere.io/secret-text. Values are base64; answers have none but
    the user's name.
    """

    type: str | None = None
    data: dict[str, str | None] | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A credential as it was sent: its parts in the clear, for the moment until they are sealed."""

    wish: CredentialWish
    parts: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Sent({self.wish.name!r})"


def credential(kept: Credential, *, fresh: bool = False) -> JsonObject:
    """The credential without what it holds; `fresh`: as the answer to its making shows it."""
    sync = {**SYNCED, SYNCTIME: instant(kept.created_at)} if fresh else {}
    shown: JsonObject = {
        "metadata": metadata(kept, namespace=kept.project, counted=False, **{AUTOSYNC: "true"}, **sync),
    }
    data = dict.fromkeys(kept.sealed, "") | {
        key: base64.b64encode(value.encode()).decode() for key, value in kept.shown.items()
    }
    if data:
        shown["data"] = data
    return {**shown, "type": kept.type}


def sent(body: Any) -> Sent:
    """The credential that a client wants. Raises `Malformed`."""
    whole = Reading.of(body)
    about = whole.inside("metadata")
    annotations = {key: value for key, value in about.mapping("annotations").items() if key not in OURS}
    data = whole.mapping("data")
    if len(data) > MOST_PARTS:
        raise Malformed("credential-parts", f"data has {len(data)} keys; at most {MOST_PARTS} are accepted")
    wish = CredentialWish(about.text("name"), whole.text("type"), about.mapping("labels"), annotations)
    return Sent(wish, {key: _decoded(key, value) for key, value in data.items()})


def readable(kind: str, part: str) -> bool:
    """Whether a part of a credential of this type is shown: the user's name of one that has one."""
    return part in SHOWN and kind in (PREFIX + "basic-auth", PREFIX + "ssh-auth")


def _decoded(key: str, value: str) -> str:
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        raise Malformed("credential-data", f"data.{key[:80]} should be UTF-8 text in base64") from None
    if "\x00" in text:
        raise Malformed("credential-data", f"data.{key[:80]} holds a NUL, which no variable can")
    return text
