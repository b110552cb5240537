"""Values of a Jenkinsfile, written the way that they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.devops.domain.jenkinsfile.model import Call, Expression, Operand, Ref, Template, Value

ESCAPED: Final[Mapping[int, str]] = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def written(value: Value) -> str:
    """A value as it stands in a Jenkinsfile."""
    if isinstance(value, Template):
        return text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Call):
        return f"{value.name}({_entries(value.args)})"
    if isinstance(value, Mapping):
        return f"[{_entries(value)}]"
    return f"[{', '.join(written(item) for item in value)}]"


def text(template: Template) -> str:
    """A text: between single quotes where no variable is in it."""
    plain = template.plain
    if plain is not None:
        return quoted(plain)
    parts = (part.translate(ESCAPED).replace('"', '\\"').replace("$", "\\$") if isinstance(part, str) else
             "${" + reference(part) + "}" for part in template.parts)  # fmt: skip
    return '"' + "".join(parts) + '"'


def quoted(plain: str) -> str:
    """A text without variables."""
    return "'" + plain.translate(ESCAPED).replace("'", "\\'") + "'"


def reference(ref: Ref) -> str:
    """A variable."""
    return f"{ref.scope}.{ref.name}" if ref.scope else ref.name


def condition(found: Expression) -> str:
    """A condition."""
    if found.op in ("&&", "||"):
        return "(" + f" {found.op} ".join(condition(inner) for inner in found.inner) + ")"
    if found.op == "!":
        return "!" + condition(found.inner[0])
    return f" {found.op} ".join(_operand(one) for one in found.operands)


def _operand(found: Operand) -> str:
    value = found.value
    if value is None:
        return "null"
    return reference(value) if isinstance(value, Ref) else written(value)


def _entries(found: Mapping[str, Value]) -> str:
    return ", ".join(f"{key}: {written(value)}" if key else written(value) for key, value in found.items())
