"""`python -m services [service …]`: run all services, or a chosen set, in this process."""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(f"Orrery needs Python 3.11, 3.12 or 3.13; this is {sys.version.split()[0]}")

import gc

gc.disable()  # imports make little garbage and take a tenth less time so; hosting switches it on once the suite stands

import argparse  # an older Python couldn't read what is imported from here on
import signal
import tomllib
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from libs.shared.config.reader import Effective, read
from libs.shared.config.report import report
from libs.shared.errors import Fault
from libs.shared.hosting.adapters import vet
from libs.shared.hosting.map import drawn
from libs.shared.hosting.process import run
from services.catalogue import CATALOGUE, FIRST, later, service, settings

WRONG = 2
"""Exit code for a wrong command line or setting."""
FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 after a clean end, 1 when the start failed, 2 for a wrong setting."""
    asked = _parser().parse_args(arguments)
    if asked.version:
        print(f"Orrery {_version()}")
        return 0
    try:
        names = tuple(dict.fromkeys(asked.services or CATALOGUE))
        if asked.map:
            return _printed(drawn([service(name) for name in names]))
        effective = _settings(names)
    except Fault as fault:
        return _refused(fault, WRONG)
    try:
        return _printed(report(effective)) if asked.check else _run(names, effective)
    except Fault as fault:
        return _refused(fault, FAILED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services",
        description="Run the services in this process: all of them, or the named ones.",
        epilog=f"Services: {', '.join(CATALOGUE)}. Settings are read from ORRERY_* and the YAML file ORRERY_CONFIG.",
    )
    parser.add_argument("services", nargs="*", metavar="service", help="run these alone")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="print each setting with where it came from, and end")
    only.add_argument("--map", action="store_true", help="print every route, event, reaction and worker, and end")
    only.add_argument("--version", action="store_true", help="print the version, and end")
    return parser


def _settings(names: Sequence[str]) -> Effective:
    """What is set for these services; raises `Invalid`."""
    models = {name: settings(name) for name in names}
    effective = read(models, elsewhere={name: partial(settings, name) for name in CATALOGUE})
    vet(effective)
    return effective


def _run(names: Sequence[str], effective: Effective) -> int:
    """Where clients are let in, those whom they need first are opened before the others."""
    first = [name for name in names if name in FIRST or "gateway" not in names]
    return run([service(name) for name in first], effective, [later(name) for name in names if name not in first])


def _version() -> str:
    metadata = import_module("importlib.metadata")  # slow to import, and seldom asked for
    try:
        return str(metadata.version("orrery"))
    except metadata.PackageNotFoundError:  # a clone that isn't installed
        project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
        return f"{project['project']['version']} (source)"


def _printed(text: str) -> int:
    """Print it; a reader that has seen enough (`| head`) ends us without a word, as it does other tools."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    print(text)
    return 0


def _refused(fault: Fault, code: int) -> int:
    """Say it in one line for each thing that is wrong."""
    for line in [flaw.text for flaw in fault.flaws] or [fault.text]:
        print(f"orrery: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
