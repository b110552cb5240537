"""`python -m tests.house.imports`: import-linter on the contracts of `.importlinter`, from the root."""

import os
import sys

from importlinter.cli import lint_imports

from tests.house.source import ROOT


def main() -> int:
    """The exit code: 0 when every contract is kept."""
    os.chdir(ROOT)
    return lint_imports(cache_dir=None)


if __name__ == "__main__":
    sys.exit(main())
