"""Open files bound connections before a setting does."""

from __future__ import annotations

import resource
import subprocess
import sys

from libs.shared.hosting.files import FILES_EACH, within_files
from libs.shared.http.limits import Limits

RAISED = """
import resource
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
from libs.shared.hosting.files import raise_files
raise_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard))
"""


def test_connections_stay_within_the_files() -> None:
    """A bound that the system can't keep is no bound: accepting would fail, and opening stores with it."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert within_files(Limits(connections=10**9)).connections == soft // FILES_EACH
    assert within_files(Limits(connections=2)) == Limits(connections=2)


def test_the_soft_limit_is_raised() -> None:
    """In a process of its own, since a limit is the process's."""
    ran = subprocess.run([sys.executable, "-c", RAISED], capture_output=True, text=True, check=True)  # noqa: S603  # our own
    assert ran.stdout == "True\n", ran.stderr
