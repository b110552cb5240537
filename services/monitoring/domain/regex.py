"""Templates filled from what an expression matches, as relabelling and `label_replace` have them."""

from __future__ import annotations

from libs.shared.regex import Pattern, compiled

__all__ = ["Pattern", "compiled", "expanded"]


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
