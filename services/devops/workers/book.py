"""How far a run has come, as it is kept: read once when a run is begun or gone on with, and noted step by step."""

from __future__ import annotations

from collections.abc import Iterable

from services.devops.commands import node as nodes
from services.devops.commands import run as runs
from services.devops.domain.jenkinsfile.model import Stage, Step
from services.devops.domain.node import Node, StepState
from services.devops.domain.run import Result, Run, State
from services.devops.parts import Parts
from services.devops.queries import run as queries
from services.devops.workers.leash import Halt

BLOCKS = frozenset({"retry", "timeout"})
"""Blocks that are noted: for their attempts, or for when they began."""


class Book:
    """The notes on one run."""

    def __init__(self, run: Run, parts: Parts) -> None:
        self.run = run
        self._store = parts.store
        self._clock = parts.clock
        self._nodes: dict[str, Node] = {}
        self._left: set[tuple[str, str]] = set()
        """Steps that another process had begun, and never ended."""

    async def open(self) -> None:
        """Read how far it has come."""
        self._nodes = await queries.nodes(self._store, self.run.uid)
        self._left = {
            (node.id, step.id)
            for node in self._nodes.values()
            for step in node.steps.values()
            if not step.finished and step.name not in BLOCKS
        }

    def node(self, identity: str) -> Node | None:
        """A stage, if it has begun."""
        return self._nodes.get(identity)

    def step(self, node: str, identity: str) -> StepState | None:
        """A step, if it has begun."""
        found = self._nodes.get(node)
        return found.steps.get(identity) if found else None

    def left(self, node: str, identity: str) -> bool:
        """Whether a step was begun by another process, which has ended in the middle of it."""
        return (node, identity) in self._left

    async def begin(self, identity: str, name: str) -> Node:
        """A stage begins."""
        return self._noted(await self._store.transact(nodes.begin_node, self.run, identity, name, at=self._clock()))

    async def finish(self, identity: str, halt: Halt | None) -> None:
        """A stage has come to its end."""
        result, reason = (halt.result, halt.reason) if halt else (Result.SUCCESS, "")
        await self.end(identity, result, reason)

    async def end(self, identity: str, result: Result, reason: str = "") -> None:
        """The same, with any result."""
        self._noted(await self._store.transact(nodes.finish_node, self.run, identity, result, reason, at=self._clock()))

    async def note(self, node: str, step: StepState) -> StepState:
        """How a step stands."""
        self._noted(await self._store.transact(nodes.note_step, self.run, node, step))
        return self._nodes[node].steps[step.id]

    async def end_step(self, node: str, step: StepState, halt: Halt | None) -> None:
        """A step has come to its end."""
        result, reason = (halt.result, halt.reason) if halt else (Result.SUCCESS, "")
        ended = {"state": State.FINISHED, "result": result, "reason": reason, "finished_at": self._clock()}
        self._left.discard((node, step.id))
        await self.note(node, step.model_copy(update=ended))

    async def again(self, node: str, step: StepState, inside: Iterable[Step]) -> None:
        """A block of `retry` begins anew."""
        gone = [one.id for one in every_step(inside)]
        self._forget(node, gone)
        self._noted(await self._store.transact(nodes.try_step_again, self.run, node, step, gone))

    async def again_stage(self, stage: Stage, attempt: int) -> None:
        """A stage begins anew, with all that is in it."""
        inside = [one.id for one in every_stage(stage.stages)]
        steps = [one.id for one in every_step(stage.steps)]
        self._forget(stage.id, steps)
        await self._drop(inside, 0)
        self._noted(await self._store.transact(nodes.try_again, self.run, stage.id, attempt, steps))

    async def again_whole(self, stages: Iterable[Stage], attempt: int) -> None:
        """All begins anew."""
        await self._drop([one.id for one in every_stage(stages)], attempt)

    async def pause(self, *, paused: bool) -> None:
        """The run waits for somebody's word, or no longer does."""
        await self._store.transact(runs.pause_run, self.run.path, paused=paused)

    async def look(self, node: str, identity: str) -> StepState | None:
        """A step as it stands in the store: its word may have been given."""
        self._nodes |= await queries.nodes(self._store, self.run.uid)
        return self.step(node, identity)

    async def close(self, halt: Halt | None) -> None:
        """End whatever is left open: nothing of it will go on."""
        ending = halt or Halt(Result.ABORTED, "")
        for node in (await queries.nodes(self._store, self.run.uid)).values():
            if not node.finished:
                await self.finish(node.id, Halt(Result.ABORTED, ending.reason))

    async def _drop(self, stages: list[str], attempt: int) -> None:
        for identity in stages:
            self._nodes.pop(identity, None)
        self._left = {pair for pair in self._left if pair[0] not in stages}
        await self._store.transact(nodes.try_stages_again, self.run, attempt, stages)

    def _forget(self, node: str, steps: Iterable[str]) -> None:
        self._left -= {(node, identity) for identity in steps}

    def _noted(self, node: Node) -> Node:
        self._nodes[node.id] = node
        return node


def every_step(steps: Iterable[Step]) -> Iterable[Step]:
    """Steps, and those in their blocks."""
    for step in steps:
        yield step
        yield from every_step(step.children)


def every_stage(stages: Iterable[Stage]) -> Iterable[Stage]:
    """Stages, and those in them."""
    for stage in stages:
        yield stage
        yield from every_stage(stage.stages)


def settled(result: Result, reason: str) -> None:
    """What has come to its end comes to the same end again: raises its `Halt` unless it went well."""
    if result not in (Result.SUCCESS, Result.NOT_BUILT):
        raise Halt(result, reason)
