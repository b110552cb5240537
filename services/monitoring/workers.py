"""Loops."""

from __future__ import annotations

WORKERS = ()
