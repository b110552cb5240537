"""Standard Webhooks: how a receiver knows that a message is ours and new (standardwebhooks.com, 1.0.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from libs.shared.values import Secret

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


def secret_of(raw: bytes) -> Secret:
    """Random bytes as the receiver is shown them."""
    return Secret(PREFIX + base64.b64encode(raw).decode())


def headers(secret: Secret, event: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The three headers of one attempt; the id is the event's at every attempt."""
    moment = str(int(at.timestamp()))
    key = base64.b64decode(secret.reveal().removeprefix(PREFIX))
    mac = hmac.new(key, f"{event}.{moment}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": event,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
