"""Stages and steps of a run as Blue Ocean shows them (devops-apps-mesh 3.2): out of what the Jenkinsfile says and how
far the run has come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.shared.objects.shapes import Shape
from services.devops.domain import node as nodes
from services.devops.domain.jenkinsfile.model import Pipeline as Script
from services.devops.domain.jenkinsfile.model import Stage, Step
from services.devops.domain.node import Node, StepState
from services.devops.domain.run import Run, State, millis
from services.devops.shapes.metadata import JsonObject
from services.devops.shapes.run import moment

AFTER = "Declarative: Post Actions"
FLAGS = ("aprovable", "approvable")
"""How v1alpha2 and v1alpha3 spell that the caller's word counts."""


class StepShape(Shape):
    """A step of a run."""

    id: str
    display_name: str
    state: str | None = None
    result: str | None = None


class NodeShape(Shape):
    """A stage of a run; `nodesdetail` and `nodedetails` have its steps."""

    id: str
    display_name: str
    type: str
    state: str | None = None
    result: str | None = None
    steps: list[StepShape] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at, when, and by whom; `flag` is how it is said that his word counts."""

    run: Run
    script: Script
    nodes: Mapping[str, Node]
    now: datetime
    user: str
    flag: str = "aprovable"


@dataclass(frozen=True, slots=True)
class Place:
    """A stage among the others: what it hangs on, and what comes after it."""

    id: str
    name: str
    kind: str
    parent: str | None
    edges: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]


def places(script: Script) -> list[Place]:
    """Every stage in order; what is done after all of them is one as well."""
    after = ((script.post.id, "STAGE"),) if script.post else ()
    found = list(_sequence(script.stages, None, after))
    if script.post is not None:
        steps = tuple(step for inner in script.post.conditions.values() for step in inner)
        found.append(Place(script.post.id, AFTER, "STAGE", script.stages[-1].id, (), steps))
    return found


def _sequence(stages: Sequence[Stage], parent: str | None, after: tuple[tuple[str, str], ...]) -> Iterator[Place]:
    for place, stage in enumerate(stages):
        following = ((stages[place + 1].id, "STAGE"),) if stages[place + 1 :] else after
        yield from _stage(stage, "STAGE", parent, following)
        parent = stage.id


def _stage(stage: Stage, kind: str, parent: str | None, after: tuple[tuple[str, str], ...]) -> Iterator[Place]:
    edges = after
    if stage.stages:
        inner = stage.stages if stage.parallel else stage.stages[:1]
        edges = tuple((one.id, "PARALLEL" if stage.parallel else "STAGE") for one in inner)
    posts = tuple(step for inner in stage.post.conditions.values() for step in inner) if stage.post else ()
    yield Place(stage.id, stage.name, kind, parent, edges, (*stage.steps, *posts))
    if stage.parallel:
        for one in stage.stages:
            yield from _stage(one, "PARALLEL", stage.id, after)
    elif stage.stages:
        yield from _sequence(stage.stages, stage.id, after)


def listed(view: View, *, steps: bool) -> list[JsonObject]:
    """The stages of a run, those that have not begun as well; what is done after all only where something was done."""
    last = view.script.post.id if view.script.post else ""
    known = [place for place in places(view.script) if place.id != last or last in view.nodes]
    there = {place.id for place in known}
    return [_node(place, view, there, steps=steps) for place in known]


def _node(place: Place, view: View, there: set[str], *, steps: bool) -> JsonObject:
    node = view.nodes.get(place.id)
    ended = node.finished_at if node else None
    found: JsonObject = {
        "_class": "io.jenkins.blueocean.rest.impl.pipeline.PipelineNodeImpl",
        "actions": [],
        "causeOfBlockage": None,
        "displayDescription": None,
        "displayName": place.name,
        "durationInMillis": millis(node.started_at, ended or view.now) if node else None,
        "edges": [{"id": identity, "type": kind} for identity, kind in place.edges if identity in there],
        "firstParent": place.parent,
        "id": place.id,
        "input": None,
        "restartable": False,
        "result": node.result.value if node else None,
        "startTime": moment(node.started_at) if node else None,
        "state": _state(node) if node else None,
        "type": place.kind,
    }
    if node is not None:
        waiting = next((step for step in node.steps.values() if step.waits), None)
        found["input"] = _input(waiting) if waiting else None
    return found | {"steps": stepped(place.id, view)} if steps else found


def _state(node: Node) -> str:
    if node.state is State.RUNNING and any(step.waits for step in node.steps.values()):
        return State.PAUSED.value
    return (State.FINISHED if node.finished else node.state).value if node.result.value != "NOT_BUILT" else "SKIPPED"


def stepped(identity: str, view: View) -> list[JsonObject]:
    """The steps of a stage that have begun, in the order of the Jenkinsfile."""
    node = view.nodes.get(identity)
    place = next((one for one in places(view.script) if one.id == identity), None)
    if node is None or place is None:
        return []
    return [_step(node.steps[step.id], view) for step in leaves(place.steps) if step.id in node.steps]


def leaves(steps: Sequence[Step]) -> Iterator[Step]:
    """Steps without blocks, those in blocks as well."""
    for step in steps:
        if step.children:
            yield from leaves(step.children)
        else:
            yield step


TITLES: Mapping[str, str] = {
    "sh": "Shell Script",
    "echo": "Print Message",
    "error": "Error signal",
    "sleep": "Sleep",
    "git": "Git",
    "checkout": "Check out from version control",
    "archiveArtifacts": "Archive the artifacts",
    "input": "Wait for interactive input",
}


def _step(step: StepState, view: View) -> JsonObject:
    asked = step.asked
    may = asked is not None and step.waits and nodes.may_answer(view.run, asked, view.user)
    return {
        "_class": "io.jenkins.blueocean.rest.impl.pipeline.PipelineStepImpl",
        "actions": [],
        "displayDescription": step.label or None,
        "displayName": TITLES.get(step.name, step.name),
        "durationInMillis": millis(step.started_at, step.finished_at or view.now),
        "id": step.id,
        "input": _input(step) if step.waits else None,
        "reason": step.reason or None,
        "result": step.result.value,
        "startTime": moment(step.started_at),
        "state": step.state.value,
        "type": "STEP",
        view.flag: may,
    }


def _input(step: StepState) -> JsonObject | None:
    asked = step.asked
    if asked is None:
        return None
    return {
        "id": asked.id or step.id,
        "message": asked.message,
        "ok": asked.ok,
        "parameters": [],
        "submitter": ",".join(asked.submitters) or None,
    }
