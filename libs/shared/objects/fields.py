r"""Field selectors: `metadata.name=a,spec.state!=b`, as a frozen value that matches fields and prints itself.

Grammar, escapes (`\\`, `\,`, `\=`) and error texts are those of k8s.io/apimachinery/pkg/fields.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from libs.shared.errors import Malformed, TooLarge

LONGEST = 16_384
"""Characters of the longest selector that is read."""

_OPERATOR = re.compile("!=|==|=")
_ESCAPED = re.compile(r"[\\,=]")


@dataclass(frozen=True, slots=True)
class Term:
    """One field that equals, or with `negated` doesn't equal, a value."""

    field: str
    value: str
    negated: bool = False

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether these fields meet it; a missing field is empty text."""
        return (fields.get(self.field, "") == self.value) is not self.negated

    def __str__(self) -> str:
        value = _ESCAPED.sub(r"\\\g<0>", self.value)
        return f"{self.field}{'!=' if self.negated else '='}{value}"


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """All of its terms; none selects everything. `str` gives text that parses to an equal one."""

    terms: tuple[Term, ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether these fields (dotted path -> text) meet every term."""
        return all(term.matches(fields) for term in self.terms)

    def meets(self, thing: Mapping[str, Any]) -> bool:
        """Whether a JSON object does, its fields read by path."""
        return all(term.matches({term.field: read(thing, term.field)}) for term in self.terms)

    def only(self, allowed: Collection[str]) -> FieldSelector:
        """Itself; raises `Malformed` when it names a field that isn't allowed."""
        for term in self.terms:
            if term.field not in allowed:
                raise Malformed("field-not-selectable", f"field label not supported: {term.field}")
        return self

    def exact(self, field: str) -> str | None:
        """The one value that this field must have, or None where it is left open."""
        return next((term.value for term in self.terms if term.field == field and not term.negated), None)

    def __bool__(self) -> bool:
        """Whether it narrows anything."""
        return bool(self.terms)

    def __str__(self) -> str:
        return ",".join(map(str, self.terms))


EVERYTHING = FieldSelector()


def parse(text: str) -> FieldSelector:
    """The selector that this text means; blank text selects everything.

    Raises `Malformed` with Kubernetes' text, such as `invalid selector: 'a'; can't understand 'a'`, and `TooLarge`
    past `LONGEST` characters.
    """
    if len(text) > LONGEST:
        raise TooLarge("selector-too-long", f"a field selector has at most {LONGEST} characters, this one {len(text)}")
    terms = []
    for part in sorted(filter(None, _split(text))):
        operator = _OPERATOR.search(part)
        if operator is None:
            raise Malformed("selector-unreadable", f"invalid selector: '{text}'; can't understand '{part}'")
        value = _unescaped(part[operator.end() :])
        terms.append(Term(part[: operator.start()], value, negated=operator.group() == "!="))
    return FieldSelector(tuple(sorted(terms, key=lambda term: (term.field, term.value, term.negated))))


def read(thing: Mapping[str, Any], path: str) -> str:
    """The text of the field at a dotted path: a number or a flag as JSON writes it, empty where there is none."""
    found: Any = thing
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, str | int | float) else ""


def _split(text: str) -> list[str]:
    """The terms between commas that no backslash escapes."""
    parts = [""]
    escaped = False
    for char in text:
        if char == "," and not escaped:
            parts.append("")
            continue
        parts[-1] += char
        escaped = char == "\\" and not escaped
    return parts


def _unescaped(text: str) -> str:
    value: list[str] = []
    chars = iter(text)
    for char in chars:
        if char == "\\":
            following = next(chars, "")
            if following not in ("\\", ",", "="):
                raise Malformed(
                    "selector-unreadable", f"invalid field selector: invalid escape sequence: \\{following}"
                )
            value.append(following)
        elif char in ",=":
            raise Malformed("selector-unreadable", f"invalid field selector: unescaped character in value: {ord(char)}")
        else:
            value.append(char)
    return "".join(value)
