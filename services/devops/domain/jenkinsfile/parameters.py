"""`parameters`: what a run may be given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.devops.domain.jenkinsfile.lexer import Token
from services.devops.domain.jenkinsfile.model import Parameter, Template, Value
from services.devops.domain.jenkinsfile.reader import Tokens
from services.devops.domain.jenkinsfile.refusal import refused, shown
from services.devops.domain.jenkinsfile.values import Arguments, arguments, parenthesized

KINDS: Final[Mapping[str, str]] = {
    "string": "string",
    "text": "text",
    "booleanParam": "boolean",
    "choice": "choice",
    "password": "password",
}
"""How a kind is written -> how a pipeline's settings call it."""
MOST: Final = 100


def parameters(tokens: Tokens) -> tuple[Parameter, ...]:
    """The block after `parameters`."""
    found: dict[str, Parameter] = {}
    with tokens.block("parameters"):
        for kind in tokens.entries():
            if kind.text not in KINDS:
                raise refused(kind.at, f"“{shown(kind.text)}” is no parameter: accepted are {', '.join(KINDS)}")
            given = parenthesized(tokens) if tokens.at_sign("(") else arguments(tokens)
            made = _parameter(kind, given)
            if made.name in found or len(found) >= MOST:
                raise refused(kind.at, f"{shown(made.name)} stands twice, or there are more than {MOST} parameters")
            found[made.name] = made
            tokens.end_of_line(kind.text)
    return tuple(found.values())


def _parameter(kind: Token, given: Arguments) -> Parameter:
    takes = ("name", "choices" if kind.text == "choice" else "defaultValue", "description")
    for key in given:
        if key not in takes:
            raise refused(kind.at, f"{kind.text} takes no “{shown(key)}”: accepted are {', '.join(takes)}")
    name = _text(given.get("name"))
    if not name or not (name.isidentifier() and name.isascii()):
        raise refused(kind.at, f"{kind.text} needs the name of a variable")
    choices = _choices(given.get("choices"))
    if kind.text == "choice" and not choices:
        raise refused(kind.at, "choice needs choices: a list of texts")
    default = given.get("defaultValue", False if kind.text == "booleanParam" else Template(()))
    text = str(default).lower() if isinstance(default, bool) else _text(default)
    if text is None or (kind.text == "booleanParam") != isinstance(default, bool):
        raise refused(kind.at, f"defaultValue of {kind.text} is of the wrong kind")
    return Parameter(
        name, KINDS[kind.text], choices[0] if choices else text, _text(given.get("description")) or "", choices
    )


def _text(found: Value | None) -> str | None:
    return found.plain if isinstance(found, Template) else None


def _choices(found: Value | None) -> tuple[str, ...]:
    if isinstance(found, Template):
        return tuple(filter(None, (found.plain or "").splitlines()))
    members = found if isinstance(found, tuple) else ()
    texts = [_text(member) for member in members]
    return tuple(text for text in texts if text is not None) if all(texts) else ()
