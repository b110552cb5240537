"""HTTP paths of accounts: read the request, ask for one thing, answer."""

from __future__ import annotations

from services.accounts.rest import internal, members, roles, sessions, users, workspaces

ROUTES = (
    *sessions.ROUTES,
    *users.ROUTES,
    *roles.ROUTES,
    *workspaces.ROUTES,
    *members.ROUTES,
    *internal.ROUTES,
)
