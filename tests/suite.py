"""The whole suite, or some of its services, in the test's own process."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from libs.shared.testing import host
from libs.shared.testing.host import Running
from services.catalogue import CATALOGUE, service


def running(*names: str, **settings: Any) -> AbstractAsyncContextManager[Running]:
    """Run the services of these names (all, when none is named) with these settings; see `libs.shared.testing.host`."""
    return host.running(*(service(name) for name in names or CATALOGUE), **settings)
