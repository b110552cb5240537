"""Accounts' kinds with Kubernetes' manners: each write ends in the command that the REST routes use."""

from __future__ import annotations

from typing import Any

from libs.shared.kinds.kind import Kind
from services.accounts.kinds.role import (
    GLOBAL_ROLE,
    GLOBAL_ROLE_BINDING,
    ROLE_BASE,
    WORKSPACE_ROLE,
    WORKSPACE_ROLE_BINDING,
)
from services.accounts.kinds.user import LOGIN_RECORD, USER
from services.accounts.kinds.workspace import WORKSPACE, WORKSPACE_TEMPLATE

KINDS: tuple[Kind[Any], ...] = (
    USER,
    LOGIN_RECORD,
    GLOBAL_ROLE,
    GLOBAL_ROLE_BINDING,
    WORKSPACE_ROLE,
    WORKSPACE_ROLE_BINDING,
    ROLE_BASE,
    WORKSPACE_TEMPLATE,
    WORKSPACE,
)
