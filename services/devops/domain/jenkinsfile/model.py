"""What a Jenkinsfile says, as values. Every step and stage has an id that follows from its place in the text alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the text; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Ref:
    """A variable inside a text: `scope` is env, params, or empty for either."""

    scope: str
    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """A text whose variables are filled in when a run comes to it."""

    parts: tuple[str | Ref, ...]

    @property
    def plain(self) -> str | None:
        """The text, when no variable is in it."""
        return None if any(isinstance(part, Ref) for part in self.parts) else "".join(map(str, self.parts))

    @property
    def source(self) -> str:
        """As it would be written between double quotes."""
        return "".join(part if isinstance(part, str) else _written(part) for part in self.parts)


def _written(ref: Ref) -> str:
    return f"${{{ref.scope}.{ref.name}}}" if ref.scope else f"${{{ref.name}}}"


@dataclass(frozen=True, slots=True)
class Call:
    """`name(key: value)` as a value: what withCredentials lists."""

    name: str
    args: Mapping[str, Value]
    at: Place


Value = Template | int | bool | tuple["Value", ...] | Mapping[str, "Value"] | Call


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `children` are those of its block."""

    id: str
    name: str
    args: Mapping[str, Value]
    at: Place
    children: tuple[Step, ...] = ()


class Check(StrEnum):
    """What a `when` asks."""

    BRANCH = "branch"
    ENVIRONMENT = "environment"
    EXPRESSION = "expression"
    ALL = "allOf"
    ANY = "anyOf"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a comparison: a text, a number, true, false, null, or a variable."""

    value: Template | int | bool | Ref | None


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition: `op` is `==` or `!=` (two operands), empty (one), `!` (one inner), `&&` or `||` (inner ones)."""

    op: str
    operands: tuple[Operand, ...] = ()
    inner: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class When:
    """A condition of a stage."""

    check: Check
    args: Mapping[str, Template] = field(default_factory=dict)
    inner: tuple[When, ...] = ()
    expression: Expression | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """An entry of `environment`: a text, or a credential by its id."""

    name: str
    value: Template
    credential: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """How long a pipeline or stage may take, in seconds (0: not said), and how often it is tried in all."""

    timeout: int = 0
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Post:
    """What is done at the end: condition -> steps."""

    id: str
    conditions: Mapping[str, tuple[Step, ...]]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage with its steps, or further stages one after the other or side by side."""

    id: str
    name: str
    at: Place
    steps: tuple[Step, ...] = ()
    stages: tuple[Stage, ...] = ()
    parallel: bool = False
    fail_fast: bool = False
    """Whether the first failure ends the others side by side."""
    environment: tuple[Variable, ...] = ()
    when: When | None = None
    options: Options = Options()
    post: Post | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a run may be given. `kind` is string, text, boolean, choice or password."""

    name: str
    kind: str
    default: str = ""
    description: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """All of it."""

    stages: tuple[Stage, ...]
    environment: tuple[Variable, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    options: Options = Options()
    post: Post | None = None
