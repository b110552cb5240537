"""Which settings there are: full name -> whose, which field. An unknown one is refused with the nearest known."""

from __future__ import annotations

import ast
import difflib
import inspect
import textwrap
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from libs.shared.config.sources import PREFIX, Given
from libs.shared.config.suite import OVERRIDES, Place, Suite
from libs.shared.errors import Broken, Flaw, Invalid
from libs.shared.values import Secret

SUITE = ""


@dataclass(frozen=True, slots=True)
class Name:
    """One setting: `ORRERY_<FIELD>` of the suite, or `ORRERY_<SERVICE>_<FIELD>`."""

    service: str
    field: str
    model: type[BaseModel]

    @property
    def info(self) -> FieldInfo:
        """The field as declared."""
        return self.model.model_fields[self.field]

    @property
    def meaning(self) -> str:
        """The string that follows the field in its model's source, on one line. Read only when it is to be shown: to
        read it at every start would be a tenth of the start.
        """
        owner = next(one for one in self.model.__mro__ if self.field in vars(one).get("__annotations__", ()))
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for declared, after in pairwise(statements):
            if isinstance(declared, ast.AnnAssign) and ast.unparse(declared.target) == self.field:
                told = after.value if isinstance(after, ast.Expr) else None
                return " ".join(str(told.value).split()) if isinstance(told, ast.Constant) else ""
        return ""

    @property
    def full(self) -> str:
        """Its name in the environment."""
        return PREFIX + "_".join(part.upper() for part in (self.service, self.field) if part)

    @property
    def secret(self) -> bool:
        """Whether its value is never shown."""
        return Secret in (self.info.annotation, *typing.get_args(self.info.annotation))

    @property
    def many(self) -> bool:
        """Whether text is split at commas."""
        return typing.get_origin(self.info.annotation) in (tuple, list, set, frozenset)


def suite_names() -> dict[str, Name]:
    """The suite's settings by full name."""
    return _by_full(Name(SUITE, field, Suite) for field in Suite.model_fields)


def service_names(service: str, model: type[BaseModel]) -> dict[str, Name]:
    """One service's settings by full name: its own, its place, and the suite's addresses that it may override."""
    given = dict.fromkeys(OVERRIDES, Suite) | dict.fromkeys(Place.model_fields, Place)
    taken = given.keys() & model.model_fields.keys()
    if taken:
        raise Broken("settings-clash", f"{service}'s settings may not be called {', '.join(sorted(taken))}")
    fields: Mapping[str, type[BaseModel]] = given | dict.fromkeys(model.model_fields, model)
    return _by_full(Name(service, field, owner) for field, owner in fields.items())


def refuse_unknown(
    given: Mapping[str, Given], known: Mapping[str, Name], elsewhere: Callable[[str], Mapping[str, Name]]
) -> None:
    """Raise `Invalid` for each given name that nobody knows, with the nearest known one.

    `elsewhere(name)` gives the names of services that this process doesn't run but `name` may belong to: one
    environment may serve many processes.
    """
    flaws = []
    for name, item in given.items():
        if name in known:
            continue
        others = elsewhere(name)
        if name in others:
            continue
        near = _nearest(name, [*known, *others])
        hint = f"; did you mean {near}?" if near else "; `python -m services --check` lists them"
        flaws.append(Flaw(name, f"{name} ({item.source}) is no setting{hint}"))
    if flaws:
        raise Invalid("settings-unknown", "; ".join(flaw.text for flaw in flaws), flaws=tuple(flaws))


def _nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like it, or empty text; the prefix that all share says nothing."""
    tails = [full.removeprefix(PREFIX) for full in known]
    near = difflib.get_close_matches(name.removeprefix(PREFIX), tails, n=1, cutoff=0.7)
    return PREFIX + near[0] if near else ""


def _by_full(names: Iterable[Name]) -> dict[str, Name]:
    return {name.full: name for name in names}
