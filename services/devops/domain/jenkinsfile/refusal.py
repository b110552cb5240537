"""How a Jenkinsfile is refused, and what bounds it."""

from __future__ import annotations

from typing import Final

from libs.shared.errors import Invalid
from services.devops.domain.jenkinsfile.model import Place

LARGEST: Final = 256 << 10
"""Characters of a Jenkinsfile."""
MOST_TOKENS: Final = 50_000
DEEPEST: Final = 24
"""How deep blocks, lists and conditions may be nested."""
MOST_STAGES: Final = 200
MOST_STEPS: Final = 1000
MOST_SHOWN: Final = 60
"""Characters of the text that a refusal repeats."""


def refused(at: Place, text: str) -> Invalid:
    """The refusal of what stands there."""
    return Invalid("jenkinsfile", f"Jenkinsfile, line {at.line}, column {at.column}: {text}")


def shown(text: str) -> str:
    """A piece of the text as a refusal repeats it: short, and printable."""
    cut = text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in cut)
