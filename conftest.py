"""Which tests that need a real server are run: `--servers=auto|none|all`; a slow machine fails no property.

`none` leaves them out, `all` runs every one (a server that is absent fails its tests), `auto` runs those whose
server is there. The address of a server is in `SERVER_<KIND>`, as `hack/servers.sh` exports it.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("orrery", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("orrery")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--servers", choices=("auto", "none", "all"), default="auto", help="which real servers take part")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what doesn't take part: counted by pytest, and never called passed or skipped."""
    wish = config.getoption("--servers")
    if wish == "all":
        return
    left_out = [item for item in items if any(wish == "none" or not there(kind) for kind in kinds(item))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def kinds(item: pytest.Item) -> list[str]:
    """The kinds of server that a test needs."""
    return [marker.args[0] for marker in item.iter_markers("server")]


def there(kind: str) -> bool:
    """Whether somebody told where such a server is."""
    return bool(os.environ.get(f"SERVER_{kind.upper()}"))
