"""The one door to RE2: expressions of callers are matched in linear time, whatever they say."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from libs.shared.errors import Invalid

LONGEST = 4096


class Pattern(Protocol):
    """A compiled expression."""

    def fullmatch(self, text: str) -> object | None:
        """Whether the whole text matches; truth of the answer is what counts."""
        ...

    def search(self, text: str) -> object | None:
        """Whether it matches anywhere."""
        ...


def compiled(expression: str) -> Pattern:
    """RE2's syntax; raises `Invalid` with RE2's own words."""
    if len(expression) > LONGEST:
        raise Invalid("regex-too-long", f"a regular expression may have {LONGEST} characters")
    re2 = import_module("re2")
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    options.max_mem = 8 << 20
    try:
        pattern: Pattern = re2.compile(expression, options)
    except re2.error as error:
        said = error.args[0] if error.args else "not accepted"
        text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise Invalid("regex", f"error parsing regexp: {text}") from None
    return pattern
