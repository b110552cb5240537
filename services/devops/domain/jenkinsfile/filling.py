"""Filling in a run's variables, and judging its conditions: plain texts, nothing is executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from libs.shared.errors import Invalid
from services.devops.domain.jenkinsfile.model import Check, Expression, Operand, Ref, Template, When
from services.devops.domain.jenkinsfile.patterns import matches

MISSING = "null"
"""How Groovy writes a variable of env or params that there is not."""


@dataclass(frozen=True, slots=True)
class Variables:
    """What a step sees: the environment, the run's parameters, and the branch."""

    env: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    branch: str = ""


def filled(template: Template, known: Variables) -> str:
    """The text with its variables filled in. Raises `Invalid` for a bare name that there is not."""
    return "".join(part if isinstance(part, str) else _text(part, known) for part in template.parts)


def _text(ref: Ref, known: Variables) -> str:
    found = _looked(ref, known)
    if found is None and not ref.scope:
        raise Invalid("no-variable", f"there is no variable {ref.name}: neither in the environment nor a parameter")
    return MISSING if found is None else found


def _looked(ref: Ref, known: Variables) -> str | None:
    if ref.scope == "params":
        return known.params.get(ref.name)
    found = known.env.get(ref.name)
    return found if found is not None or ref.scope else known.params.get(ref.name)


def holds(when: When, known: Variables) -> bool:
    """Whether a condition holds. Raises `Invalid` as `filled` does."""
    if when.check is Check.ALL:
        return all(holds(inner, known) for inner in when.inner)
    if when.check is Check.ANY:
        return any(holds(inner, known) for inner in when.inner)
    if when.check is Check.NOT:
        return not holds(when.inner[0], known)
    if when.check is Check.BRANCH:
        return bool(known.branch) and matches(known.branch, filled(when.args["pattern"], known))
    if when.check is Check.ENVIRONMENT:
        return known.env.get(filled(when.args["name"], known)) == filled(when.args["value"], known)
    return when.expression is not None and _true(when.expression, known)


def _true(found: Expression, known: Variables) -> bool:
    if found.op == "&&":
        return all(_true(inner, known) for inner in found.inner)
    if found.op == "||":
        return any(_true(inner, known) for inner in found.inner)
    if found.op == "!":
        return not _true(found.inner[0], known)
    values = [_operand(one, known) for one in found.operands]
    if not found.op:
        return bool(values[0])
    return (_same(values[0], values[1])) == (found.op == "==")


def _operand(found: Operand, known: Variables) -> str | int | bool | None:
    value = found.value
    if isinstance(value, Template):
        return filled(value, known)
    if not isinstance(value, Ref):
        return value
    text = _looked(value, known)
    if text is None and not value.scope:
        raise Invalid("no-variable", f"there is no variable {value.name}: neither in the environment nor a parameter")
    if text in ("true", "false") and value.name in known.params and value.scope != "env":
        return text == "true"
    return text


def _same(left: str | int | bool | None, right: str | int | bool | None) -> bool:
    """Equality as it is meant: a number or boolean in a text is that number or boolean."""
    if isinstance(left, str) != isinstance(right, str) and left is not None and right is not None:
        return _plain(left) == _plain(right)
    return left == right


def _plain(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
