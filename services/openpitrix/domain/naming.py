"""Ids as the original's look: a prefix and a number to base 36 (devops-apps-mesh 11.1), and KubeSphere's misses."""

from __future__ import annotations

import hashlib
from typing import Final

from libs.shared.errors import Missing

DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
LENGTH: Final = 14
GROUP: Final = "application.kubesphere.io"
STORE_SUFFIX: Final = "-store"
STORE_REPO: Final = "repo-helm"
"""The id by which lists name the store itself, as if it were a repository."""


def identity(prefix: str, *of: str) -> str:
    """An id that comes from these texts alone: who indexes a repository again finds the same apps."""
    number = int.from_bytes(hashlib.sha256("\0".join(of).encode()).digest()[:12], "big")
    text = ""
    for _ in range(LENGTH):
        number, rest = divmod(number, len(DIGITS))
        text += DIGITS[rest]
    return f"{prefix}-{text}"


def plain_app(app: str) -> str:
    """The app that the store's copy of it stands for; any other is itself."""
    return app.removesuffix(STORE_SUFFIX)


def missing(kind: str, name: str) -> Missing:
    """That there is none, in the original's words; `kind` is `helmrepos`, `helmapplication` and the like."""
    shown = name[:200]
    return Missing(f"{kind}-missing", f'{kind}.{GROUP} "{shown}" not found', resource=kind, name=shown)
