"""The structure of a declarative Jenkinsfile: pipeline, stages, and the sections of either."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.devops.domain.jenkinsfile.conditions import when
from services.devops.domain.jenkinsfile.lexer import Kind, Token
from services.devops.domain.jenkinsfile.model import Options, Pipeline, Place, Post, Stage, Step, Variable
from services.devops.domain.jenkinsfile.parameters import parameters
from services.devops.domain.jenkinsfile.reader import Tokens
from services.devops.domain.jenkinsfile.refusal import refused, shown
from services.devops.domain.jenkinsfile.steps import block_of_steps, seconds, tries
from services.devops.domain.jenkinsfile.values import POSITIONAL, arguments, parenthesized, template

CONDITIONS: Final = ("always", "changed", "aborted", "failure", "success", "unstable", "unsuccessful", "cleanup")
"""When what `post` holds is done, in the order in which it is."""
WHY: Final[Mapping[str, str]] = {
    "node": "this is a scripted pipeline: only declarative ones are understood, which begin with “pipeline {”",
    "triggers": "triggers are not understood: say them in the pipeline's own settings",
    "tools": "tools are not understood: there are none to install",
    "libraries": "libraries are not understood: Groovy is not executed",
    "input": "input is understood as a step, not as a section of a stage",
    "matrix": "matrix is not understood: write its stages in parallel",
    "failFast": "failFast stands in a stage whose stages are parallel",
    "def": "variables of Groovy are not understood: use environment",
}
LONGEST_NAME: Final = 200


def parse(text: str) -> Pipeline:
    """Read a Jenkinsfile. Raises `Invalid` naming line, column and construct."""
    tokens = Tokens(text)
    tokens.lines()
    first = tokens.next
    if not tokens.at_name("pipeline"):
        why = WHY.get(first.text, f"it begins with {first.said}: “pipeline {{” is expected")
        raise refused(first.at, why)
    tokens.take()
    found = _pipeline(tokens, first)
    tokens.lines()
    if tokens.next.kind is not Kind.END:
        raise refused(tokens.next.at, f"{tokens.next.said} is not understood after the pipeline's end")
    return found


def _pipeline(tokens: Tokens, first: Token) -> Pipeline:
    sections = _Sections("pipeline")
    agent = False
    with tokens.block("pipeline"):
        for name in tokens.entries():
            sections.begin(name)
            if name.text == "agent":
                _agent(tokens)
                agent = True
            elif name.text == "stages":
                sections.found["stages"] = _stages(tokens, "stages")
            elif name.text == "parameters":
                sections.found["parameters"] = parameters(tokens)
            elif not sections.common(tokens, name):
                raise sections.unknown(name)
            tokens.end_of_line(name.text)
    if not agent or "stages" not in sections.found:
        raise refused(first.at, f"the pipeline has no {'stages' if agent else 'agent: write agent any'}")
    _refuse_twins(sections.found["stages"], set())
    return Pipeline(**sections.found)


def _stages(tokens: Tokens, of: str) -> tuple[Stage, ...]:
    at = tokens.next.at
    found = []
    with tokens.block(of):
        for name in tokens.entries():
            if name.text != "stage":
                raise refused(name.at, WHY.get(name.text, f"a stage is expected in {of}, and {name.said} found"))
            found.append(_stage(tokens, name))
            tokens.end_of_line("a stage")
    if not found:
        raise refused(at, f"{of} holds no stage")
    return tuple(found)


def _stage(tokens: Tokens, first: Token) -> Stage:
    tokens.sign("(")
    title = tokens.text("the stage's name, a text,")
    tokens.sign(")")
    name = title.template.plain
    if not name or len(name) > LONGEST_NAME:
        raise refused(title.at, f"a stage's name is a text of 1 to {LONGEST_NAME} characters without variables")
    identity = tokens.identify("stages", first.at)
    sections = _Sections("a stage")
    with tokens.block("a stage"):
        for entry in tokens.entries():
            sections.begin(entry)
            _section(tokens, entry, sections)
            tokens.end_of_line(entry.text)
    bodies = {"steps", "stages", "parallel"} & sections.seen.keys()
    if len(bodies) != 1:
        raise refused(first.at, f"the stage {shown(name)!r} needs one of steps, stages and parallel")
    if "failFast" in sections.seen and "parallel" not in bodies:
        raise refused(sections.seen["failFast"], WHY["failFast"])
    return Stage(identity, name, first.at, parallel="parallel" in bodies, **sections.found)


def _section(tokens: Tokens, entry: Token, sections: _Sections) -> None:
    if entry.text == "agent":
        _agent(tokens)
    elif entry.text == "steps":
        sections.found["steps"] = _steps(tokens, "steps")
    elif entry.text in ("stages", "parallel"):
        sections.found["stages"] = _stages(tokens, entry.text)
    elif entry.text == "when":
        sections.found["when"] = when(tokens)
    elif entry.text == "failFast":
        sections.found["fail_fast"] = _flag(tokens)
    elif not sections.common(tokens, entry):
        raise sections.unknown(entry)


def _steps(tokens: Tokens, of: str) -> tuple[Step, ...]:
    at = tokens.next.at
    found = block_of_steps(tokens, of)
    if not found:
        raise refused(at, f"{of} holds no step")
    return found


def _flag(tokens: Tokens) -> bool:
    if not tokens.at_name("true", "false"):
        raise tokens.unlike("true or false")
    return tokens.take().text == "true"


def _agent(tokens: Tokens) -> None:
    if not tokens.at_name("any"):
        raise refused(
            tokens.next.at, f"agent any is accepted, and {tokens.next.said} found: there is one kind of agent"
        )
    tokens.take()


class _Sections:
    """The sections of a pipeline or a stage: each once."""

    def __init__(self, of: str) -> None:
        self.of = of
        self.seen: dict[str, Place] = {}
        self.found: dict[str, Any] = {}

    def begin(self, name: Token) -> None:
        """Note a section; raises `Invalid` when it stands already."""
        if name.text in self.seen:
            raise refused(name.at, f"{shown(name.text)} stands twice in {self.of}")
        self.seen[name.text] = name.at

    def common(self, tokens: Tokens, name: Token) -> bool:
        """Read a section that pipelines and stages share; whether it was one."""
        if name.text == "environment":
            self.found["environment"] = _environment(tokens)
        elif name.text == "options":
            self.found["options"] = _options(tokens)
        elif name.text == "post":
            self.found["post"] = _post(tokens, name)
        else:
            return False
        return True

    def unknown(self, name: Token) -> Exception:
        """The refusal of a section that there is not."""
        why = WHY.get(name.text) if name.text != "node" else None
        return refused(name.at, why or f"“{shown(name.text)}” is no section of {self.of} that is understood")


def _environment(tokens: Tokens) -> tuple[Variable, ...]:
    found: dict[str, Variable] = {}
    with tokens.block("environment"):
        for name in tokens.entries():
            if name.text in found or "$" in name.text:
                raise refused(name.at, f"{shown(name.text)} stands twice, or is no name")
            tokens.sign("=")
            found[name.text] = _variable(tokens, name.text)
            tokens.end_of_line(name.text)
    return tuple(found.values())


def _variable(tokens: Tokens, name: str) -> Variable:
    if tokens.at_name("credentials"):
        tokens.take()
        tokens.sign("(")
        given = tokens.text("the id of a credential, a text,")
        tokens.sign(")")
        return Variable(name, given.template, credential=True)
    return Variable(name, template(tokens))


def _options(tokens: Tokens) -> Options:
    found: dict[str, int] = {}
    with tokens.block("options"):
        for name in tokens.entries():
            if name.text not in ("timeout", "retry"):
                raise refused(name.at, f"“{shown(name.text)}” is no option that is understood: timeout and retry are")
            given = parenthesized(tokens) if tokens.at_sign("(") else arguments(tokens)
            if name.text == "retry":
                found["tries"] = tries(given.get("count", given.get(POSITIONAL, 0)), name.at)
            else:
                given = {"time": given[POSITIONAL]} if POSITIONAL in given else given
                found["timeout"] = round(seconds(given, name.at, default="MINUTES"))
                if not found["timeout"]:
                    raise refused(name.at, "timeout takes time and unit, and lasts a second at least")
            tokens.end_of_line(name.text)
    return Options(**found)


def _post(tokens: Tokens, first: Token) -> Post:
    identity = tokens.identify("stages", first.at)
    found: dict[str, tuple[Step, ...]] = {}
    with tokens.block("post"):
        for name in tokens.entries():
            if name.text not in CONDITIONS or name.text in found:
                known = ", ".join(CONDITIONS)
                raise refused(
                    name.at, f"“{shown(name.text)}” is not understood in post: accepted are {known}, each once"
                )
            found[name.text] = _steps(tokens, name.text)
            tokens.end_of_line(name.text)
    return Post(identity, found)


def _refuse_twins(stages: tuple[Stage, ...], seen: set[str]) -> None:
    """Raise `Invalid` where two stages have one name, which logs and approvals are told apart by."""
    for stage in stages:
        if stage.name in seen:
            raise refused(stage.at, f"two stages are called {shown(stage.name)!r}")
        seen.add(stage.name)
        _refuse_twins(stage.stages, seen)
