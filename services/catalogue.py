"""The services by name. Each is imported only when it is asked for; its settings can be read without the rest of it."""

from __future__ import annotations

from importlib import import_module

from pydantic import BaseModel

from libs.shared.errors import Invalid
from libs.shared.service import Later, Service

CATALOGUE = (
    "accounts",
    "alerting",
    "cluster",
    "devops",
    "events",
    "gateway",
    "logging",
    "mesh",
    "monitoring",
    "notification",
    "openpitrix",
)
FIRST = ("accounts", "gateway")
"""Whom it takes to let a client in: beside a gateway, the others are imported and opened behind the open doors."""


def service(name: str) -> Service:
    """The service of this name; raises `Invalid` naming those that there are."""
    found: Service = import_module(f"{_home(name)}.app").SERVICE
    return found


def settings(name: str) -> type[BaseModel]:
    """The model of a service's own settings; raises `Invalid` for no service."""
    module = import_module(f"{_home(name)}.settings")
    found: type[BaseModel] = getattr(module, f"{name.capitalize()}Settings")
    return found


def later(name: str) -> Later:
    """The service of this name, to be imported when its turn comes; raises `Invalid` for no service."""
    _home(name)
    return Later(name, lambda: service(name))


def _home(name: str) -> str:
    if name not in CATALOGUE:
        raise Invalid("no-service", f"{name} is no service: there are {', '.join(CATALOGUE)}")
    return f"services.{name}"
