"""Write `docs/settings.md` from the settings' own declarations; `--check` says whether it is stale.

python -m hack.settings [--check]
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterator

from libs.shared.config.names import Name, service_names, suite_names
from services.catalogue import CATALOGUE, settings

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "settings.md"
HEAD = """# Settings

Written by `python -m hack.settings` from the declarations; `python -m services --check` prints those in force, with
where each came from. A setting is an environment variable, a line of the YAML file that `ORRERY_CONFIG` names (same
name in lower case, without the prefix), or a file named by `<NAME>_FILE`. One that nobody knows is refused with the
nearest that is known.

Each service also takes `ORRERY_<SERVICE>_LISTEN` and `_URL`, and its own `_STORE`, `_BUS`, `_RECORDS`, `_MAIL`, ….

Addresses with adapters today: `embedded:` for both channels, `sqlite:` for stores, `outbox:`, `smtp://` and `smtps://`
for mail. The other schemes are refused by name until their adapters are there.
"""
TABLE = "\n| setting | default | meaning |\n|---|---|---|"


def row(name: Name) -> str:
    """One line of the table; the default of a secret is not shown."""
    default = name.info.get_default(call_default_factory=True)
    shown = "" if name.secret or default in (None, (), "") else f"`{default}`"
    return f"| `{name.full}` | {shown} | {name.meaning} |"


def lines() -> Iterator[str]:
    """The page."""
    yield HEAD
    yield "## The suite" + "\n" + TABLE
    yield from map(row, suite_names().values())
    for known in CATALOGUE:
        declared = settings(known)
        yield f"\n## {known}\n{TABLE}"
        yield from (
            row(name) for name in service_names(known, declared).values() if name.field in declared.model_fields
        )


def page() -> str:
    """The page as it is to be."""
    return "\n".join(lines()) + "\n"


def main() -> None:
    """Write it, or say that it is stale."""
    if "--check" not in sys.argv:
        PAGE.write_text(page())
    elif PAGE.read_text() != page():
        sys.exit("docs/settings.md is stale: python -m hack.settings")


if __name__ == "__main__":
    main()
