"""The services by name, each imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from libs.shared.errors import Invalid
from libs.shared.service import Service

CATALOGUE: Mapping[str, str] = {
    "accounts": "services.accounts.app:SERVICE",
    "alerting": "services.alerting.app:SERVICE",
    "cluster": "services.cluster.app:SERVICE",
    "devops": "services.devops.app:SERVICE",
    "events": "services.events.app:SERVICE",
    "gateway": "services.gateway.app:SERVICE",
    "logging": "services.logging.app:SERVICE",
    "mesh": "services.mesh.app:SERVICE",
    "monitoring": "services.monitoring.app:SERVICE",
    "notification": "services.notification.app:SERVICE",
    "openpitrix": "services.openpitrix.app:SERVICE",
}


def service(name: str) -> Service:
    """The service of this name; raises `Invalid` naming those that there are."""
    if name not in CATALOGUE:
        raise Invalid("no-service", f"{name} is no service: there are {', '.join(CATALOGUE)}")
    module, _, attribute = CATALOGUE[name].partition(":")
    found: Service = getattr(import_module(module), attribute)
    return found
