"""Accounts, asked for the users who are members of projects, and for the workspaces that own them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from libs.shared.errors import Broken, Missing

SERVICE = "accounts"
USERS = "/internal/accounts/v1/users"
WORKSPACES = "/internal/accounts/v1/workspaces/"
MOST = 500
"""Users that are asked for at once."""


class Asking(Protocol):
    """One service asks another, in its own name."""

    async def ask(self, service: str, method: str, path: str, *, json: Any = None) -> Any:
        """The answer's JSON; raises from the error tree."""
        ...


class People:
    """Users by name, as clients see them."""

    def __init__(self, calls: Asking) -> None:
        self._calls = calls

    async def named(self, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """The users of these names; who is unknown is left out. Raises `Busy` when accounts can't be asked."""
        wanted = sorted(set(names))
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(wanted), MOST):
            answer = await self._calls.ask(SERVICE, "POST", USERS, json={"names": wanted[start : start + MOST]})
            items = answer.get("items") if isinstance(answer, Mapping) else None
            if not isinstance(items, list):
                raise Broken("accounts-answer", "accounts' list of users can't be read")
            found |= {str(item["metadata"]["name"]): item for item in items}
        return found

    async def require_workspace(self, name: str) -> None:
        """Return when the workspace stands; raises `Missing`."""
        try:
            await self._calls.ask(SERVICE, "GET", WORKSPACES + quote(name, safe=""))
        except Missing:
            text = f'workspaces.tenant.kubesphere.io "{name}" not found'
            raise Missing("workspace-missing", text, resource="workspaces", name=name) from None
