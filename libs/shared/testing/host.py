"""Real services in one process on a temporary folder, for tests: what hosting opens, with nothing faked."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from libs.shared.config.reader import read
from libs.shared.hosting.opening import Opened
from libs.shared.hosting.suite import suite_opened
from libs.shared.http.client import Upstreams
from libs.shared.service import Service
from libs.shared.values import Clock, Ids, SystemClock


@dataclass(frozen=True, slots=True)
class Running:
    """Services that stand. `gateway` is the address for clients, empty when no service here faces them."""

    gateway: str
    tls: str
    authority: str
    data: Path
    services: Mapping[str, Opened]

    @property
    def upstreams(self) -> Upstreams:
        """The services' own doors, behind the gateway."""
        return next(iter(self.services.values())).host.upstreams


@asynccontextmanager
async def running(
    *services: Service, clock: Clock | None = None, ids: Ids | None = None, **settings: object
) -> AsyncIterator[Running]:
    """Run these services while the block does. `settings` are those of the suite and the services, in lower case:
    `admin_password="…"`, `accounts_token_ttl=60`. Unless given, the data folder is temporary, clients find the gateway
    on a port that the system chose, and there is neither TLS nor a demo.
    """
    with tempfile.TemporaryDirectory(prefix="orrery-") as folder:
        given = {
            "data": folder,
            "listen": "127.0.0.1:0",
            "tls_listen": "off",
            "log_level": "warning",
            "demo": False,
            **settings,
        }
        variables = {f"ORRERY_{name.upper()}": str(value) for name, value in given.items()}
        effective = read({service.name: service.settings for service in services}, variables=variables)
        opening = suite_opened(services, effective, clock=clock or SystemClock(), ids=ids, logs=sys.stderr)
        async with opening as suite:
            plain, tls = ([a for a in suite.doors.addresses if a.startswith(s)] for s in ("http:", "https:"))
            yield Running(
                gateway=plain[0] if plain else "",
                tls=tls[0] if tls else "",
                authority=suite.doors.authority,
                data=Path(str(given["data"])),
                services={stand.service.name: stand for stand in suite.services},
            )
