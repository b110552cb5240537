"""Calling another service, or the gateway on a caller's behalf."""

from __future__ import annotations


class Upstreams:
    """The addresses of the other services, and sessions to them."""
