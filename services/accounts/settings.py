"""Settings of accounts: `ORRERY_ACCOUNTS_<FIELD>`. Defaults are those of KubeSphere's installer (spec 4.1)."""

from __future__ import annotations

from pydantic import Field

from libs.shared.config import Settings
from libs.shared.values import Secret


class AccountsSettings(Settings):
    """How people sign in."""

    issuer: str = "kubesphere"
    """What tokens name as their issuer."""
    client_id: str = "kubesphere"
    """The OAuth client that may ask for tokens: the console."""
    client_secret: Secret = Secret("kubesphere")
    """Its secret."""
    redirect_uris: tuple[str, ...] = ()
    """Where a browser may be sent after signing out; exact addresses, comma-separated."""
    signing_key: Secret = Secret("")
    """Ed25519 private key, PEM, that tokens are signed with; one is made in the data folder when empty."""
    access_seconds: int = Field(7200, ge=1, le=30 * 86400)
    """Life of an access token, in seconds; the console reloads without end below 600."""
    idle_seconds: int = Field(7200, ge=0, le=365 * 86400)
    """How much longer than its access token a refresh token lives, in seconds."""
    multiple_sessions: bool = True
    """Whether signing in leaves the user's other sessions alone."""
    tries: int = Field(10, ge=1, le=1000)
    """How many failed attempts within `tries_seconds` lock an account for that time."""
    tries_seconds: int = Field(600, ge=1, le=86400)
    """How long a failed attempt counts, and how long an account stays locked, in seconds."""
    history_hours: int = Field(168, ge=1)
    """How long records of sign-ins are kept, in hours."""
    history_entries: int = Field(100, ge=1)
    """How many records of sign-ins are kept for each user."""
    hash_memory_kib: int = Field(19 * 1024, ge=8)
    """Memory that hashing one password takes, in KiB (argon2id; OWASP's least is 19 MiB with two passes)."""
    hash_passes: int = Field(2, ge=1)
    """Passes of argon2id."""
    hash_workers: int = Field(2, ge=1, le=64)
    """How many passwords are hashed at once."""
    hash_waiting: int = Field(256, ge=1)
    """How many may wait for that; more are told to come again."""
    hash_waiting_each: int = Field(64, ge=1)
    """How many of those may come from one address."""
    sweep_seconds: float = Field(60, gt=0)
    """How often old records and ended sessions are removed, in seconds."""
