"""Run the environments of tox.ini in the present interpreter: nothing is made, nothing is downloaded.

    python hack/checks.py [environment …] [-- arguments for pytest]

Each check is one line with its time; what it printed follows only where it failed.
"""

from __future__ import annotations

import configparser
import os
import pathlib
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).parents[1]


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The environments' names, and what follows `--`."""
    if "--" not in arguments:
        return arguments, []
    cut = arguments.index("--")
    return arguments[:cut], arguments[cut + 1 :]


def commands(section: configparser.SectionProxy, extra: list[str]) -> Iterator[list[str]]:
    """The section's command lines, for this interpreter."""
    for line in f"{section.get('commands_pre', '')}\n{section['commands']}".splitlines():
        words = shlex.split(line)
        if words:
            words = [sys.executable if word == "python" else word for word in words]
            yield [part for word in words for part in (extra if word == "{posargs}" else [word])]


def passed(name: str, section: configparser.SectionProxy, extra: list[str]) -> bool:
    """Run one check and say how it went."""
    began = time.monotonic()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ORRERY_")}
    environment["COVERAGE_FILE"] = str(ROOT / ".coverage")
    for command in commands(section, extra):
        done = subprocess.run(  # noqa: S603  # the project's own tox.ini
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            print(
                f"✗ {name:<12} {time.monotonic() - began:6.1f} s  {shlex.join(command[1:])}\n{done.stdout}", flush=True
            )
            return False
    print(f"✓ {name:<12} {time.monotonic() - began:6.1f} s", flush=True)
    return True


def main() -> int:
    """0 when all passed. All are run, whichever fails."""
    names, extra = split(sys.argv[1:])
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    wanted = names or [name.strip() for name in tox["tox"]["env_list"].replace(",", "\n").split()]
    results = [passed(name, tox[f"testenv:{name}"], extra) for name in wanted]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
