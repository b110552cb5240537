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


def expanded(pattern: Pattern, text: str, template: str) -> str | None:
    """The template with `$1`, `${1}` and `${name}` filled from a match of the whole text; None without one."""
    found = pattern.fullmatch(text)
    if found is None:
        return None
    return _filled(template, found)


def _filled(template: str, found: object) -> str:
    out, at = [], 0
    while at < len(template):
        if template[at] != "$" or at + 1 == len(template):
            out.append(template[at])
            at += 1
            continue
        name, at = _reference(template, at + 1)
        out.append("$" if name == "$" else _group(found, name))
    return "".join(out)


def _reference(template: str, at: int) -> tuple[str, int]:
    """What a dollar refers to (Go's Regexp.Expand), and where the template goes on."""
    if template[at] == "$":
        return "$", at + 1
    if template[at] == "{":
        end = template.find("}", at)
        return (template[at + 1 : end], end + 1) if end > 0 else ("", at)
    end = at
    while end < len(template) and (template[end].isalnum() or template[end] == "_"):
        end += 1
    return template[at:end], end


def _group(found: object, name: str) -> str:
    try:
        value = found.group(int(name) if name.isdecimal() else name)  # type: ignore[attr-defined]  # RE2 has no types
    except (IndexError, KeyError):
        return ""
    return value or ""
