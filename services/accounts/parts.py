"""The collaborators that accounts' outer functions are handed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from libs.shared.store.protocol import Store
from libs.shared.values import Clock, Ids
from services.accounts.clients.passwords import Passwords
from services.accounts.clients.tokens import Tokens
from services.accounts.domain.login import Limits
from services.accounts.domain.session import Life
from services.accounts.settings import AccountsSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """All of them."""

    store: Store
    clock: Clock
    ids: Ids
    passwords: Passwords
    tokens: Tokens
    settings: AccountsSettings

    @property
    def limits(self) -> Limits:
        """What locks an account."""
        return Limits(self.settings.tries, timedelta(seconds=self.settings.tries_seconds))

    @property
    def life(self) -> Life:
        """How long tokens live."""
        return Life(timedelta(seconds=self.settings.access_seconds), timedelta(seconds=self.settings.idle_seconds))
