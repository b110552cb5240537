"""What the gateway asks of accounts: its keys, and a password's truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from libs.shared.errors import Broken, Busy, Limited, Unauthenticated
from libs.shared.values import Clock, Secret
from services.gateway.clients.services import Services

SERVICE = "accounts"
KEYS = "/internal/accounts/v1/keys"
VERIFY = "/internal/accounts/v1/verify"
REFRESH_EVERY = 5.0
"""Seconds between two look-ups for keys that we don't know, at least: anybody can invent a key's id."""
KEPT = 300.0
"""Seconds after which the keys are looked up again, so that a withdrawn one ends."""


@dataclass(slots=True)
class _Door:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Accounts:
    """Asked over HTTP in the gateway's own name."""

    def __init__(self, services: Services, clock: Clock) -> None:
        self._services = services
        self._clock = clock
        self._doors: dict[bytes, _Door] = {}
        self._keys: Mapping[str, Ed25519PublicKey] = {}
        self._asked = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        """The public key of this id; unknown ids make us look again, not more often than every few seconds. Whoever
        comes with an unknown id while we look waits for what is found.
        """
        since = self._clock.monotonic() - self._asked
        due = since >= (KEPT if kid in self._keys else REFRESH_EVERY)
        if due or (self._refreshing is not None and kid not in self._keys):
            await self._refreshed()
        return self._keys.get(kid)

    async def require_keys(self) -> None:
        """Return when there are keys to judge tokens by; raises `Busy` or `Broken`."""
        if not self._keys:
            await self._refreshed()

    async def close(self) -> None:
        """End a look-up that is under way."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    @property
    def kids(self) -> frozenset[str]:
        """The ids of the keys that count."""
        return frozenset(self._keys)

    async def _refreshed(self) -> None:
        """One look-up for all who want one now; a caller that gives up ends it for nobody else."""
        if self._refreshing is None:
            self._asked = self._clock.monotonic()
            self._refreshing = asyncio.create_task(self._refresh(), name="look up keys")
            self._refreshing.add_done_callback(self._looked_up)
        await asyncio.shield(self._refreshing)

    def _looked_up(self, task: asyncio.Task[None]) -> None:
        self._refreshing = None
        if not task.cancelled():
            task.exception()  # told to those who wait; nobody may be left

    async def _refresh(self) -> None:
        try:
            body = await self._services.ask(SERVICE, "GET", KEYS)
        except (Busy, Broken):
            if not self._keys:
                self._asked = float("-inf")
                raise
            return
        self._keys = dict(_keys(body))

    @asynccontextmanager
    async def alone(self, credentials: bytes) -> AsyncIterator[None]:
        """One at a time with these credentials: who comes next may find them verified."""
        door = self._doors.setdefault(credentials, _Door())
        door.users += 1
        try:
            async with door.lock:
                yield
        finally:
            door.users -= 1
            if not door.users:
                del self._doors[credentials]

    async def verify(self, username: str, password: Secret, source_ip: str, user_agent: str) -> str:
        """The name of the user whose password this is. Raises `Unauthenticated`, `Limited` or `Busy`."""
        asked = {
            "username": username,
            "password": password.reveal(),
            "source_ip": source_ip,
            "user_agent": user_agent,
        }
        try:
            body = await self._services.ask(SERVICE, "POST", VERIFY, asked)
        except Unauthenticated as fault:
            raise Unauthenticated("password", fault.text) from None
        except Limited as fault:
            raise Limited("password-limit", fault.text, retry_after=fault.retry_after) from None
        user = body.get("user") if isinstance(body, dict) else None
        if not isinstance(user, str) or not user:
            raise Broken("accounts-answer", "accounts verified a password and named no user")
        return user


def _keys(body: Any) -> list[tuple[str, Ed25519PublicKey]]:
    """The Ed25519 keys of a JSON Web Key Set; others are not for access tokens."""
    found = []
    for row in body.get("keys", ()) if isinstance(body, dict) else ():
        try:
            key = jwt.PyJWK.from_dict(row).key if row.get("crv") == "Ed25519" else None
        except (jwt.PyJWTError, ValueError, AttributeError):
            raise Broken("accounts-keys", "accounts publishes a key that can't be read") from None
        if isinstance(key, Ed25519PublicKey):
            found.append((str(row.get("kid", "")), key))
    return found
