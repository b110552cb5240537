"""A run's way through its stages, and what is done after them. What has ended is passed over, whoever ended it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from libs.shared.errors import Broken, Invalid
from services.devops.domain.jenkinsfile.filling import filled, holds
from services.devops.domain.jenkinsfile.model import Post, Stage, Step, Variable
from services.devops.domain.jenkinsfile.parser import CONDITIONS
from services.devops.domain.run import Result
from services.devops.queries import run as queries
from services.devops.workers import lending
from services.devops.workers.bench import Bench, Scope
from services.devops.workers.book import settled
from services.devops.workers.leash import Halt, Leash, bounded, ended
from services.devops.workers.steps import do_all

AFTER: Final = "Declarative: Post Actions"
"""How Jenkins calls what is done after all stages."""
SUCCESS: Final = Result.SUCCESS
DONE_WHEN: Final[Mapping[str, Callable[[Result, Result], bool]]] = {
    "always": lambda _now, _before: True,
    "changed": lambda now, before: now is not before,
    "aborted": lambda now, _before: now is Result.ABORTED,
    "failure": lambda now, _before: now is Result.FAILURE,
    "success": lambda now, _before: now is SUCCESS,
    "unstable": lambda now, _before: now is Result.UNSTABLE,
    "unsuccessful": lambda now, _before: now is not SUCCESS,
    "cleanup": lambda _now, _before: True,
}


async def walk(bench: Bench) -> Halt | None:
    """The whole of it: None when all went well, else why not."""
    script, run = bench.script, bench.run
    seconds = script.options.timeout or bench.parts.settings.run_seconds
    timeout = Halt(Result.ABORTED, f"the timeout of {seconds:g} s has passed")
    left = _left(seconds, run.started_at, bench)
    with ExitStack() as files:
        scope = Scope("", bench.leash, bench.environment())
        ending: Halt | None = None
        try:
            scope = await _entered(script.environment, scope, files, bench)
            work = _tries(script.stages, scope, bench)
            await bench.leash.led(bounded(bench.leash, left, timeout, bench.parts.clock, work))
        except Halt as halt:
            ending = halt
        if script.post is not None:
            ending = await _after_all(script.post, scope, ending, bench)
    await bench.book.close(ending)
    return ending


def _left(seconds: float, began: datetime | None, bench: Bench) -> float:
    return seconds - (bench.parts.clock() - began).total_seconds() if began else seconds


Work = Callable[[Leash], Coroutine[Any, Any, None]]


def _tries(stages: Sequence[Stage], scope: Scope, bench: Bench) -> Work:
    async def work(leash: Leash) -> None:
        attempt = bench.run.attempt
        while True:
            try:
                await _in_order(stages, replace(scope, leash=leash), bench)
            except Halt as halt:
                if halt.result is Result.ABORTED or attempt >= bench.script.options.tries:
                    raise
                attempt += 1
                bench.say(f"Retrying all stages: attempt {attempt} of {bench.script.options.tries}")
                await bench.book.again_whole(stages, attempt)
            else:
                return

    return work


async def _in_order(stages: Iterable[Stage], scope: Scope, bench: Bench) -> None:
    for stage in stages:
        await _stage(stage, scope, bench)


async def _stage(stage: Stage, scope: Scope, bench: Bench) -> None:
    """One stage with what is done after it. Raises `Halt`."""
    node = bench.book.node(stage.id)
    if node is not None and node.finished:
        settled(node.result, node.reason)
        return
    with ExitStack() as files:
        own, ending = await _through(stage, replace(scope, node=stage.id), files, bench)
        node = bench.book.node(stage.id) or await bench.book.begin(stage.id, stage.name)
        if node.finished:
            return
        if stage.post is not None:
            ending = await _after(stage.post, own, ending, bench)
    await bench.book.finish(stage.id, ending)
    if ending is not None:
        raise ending


async def _through(stage: Stage, scope: Scope, files: ExitStack, bench: Bench) -> tuple[Scope, Halt | None]:
    """The stage without what is done after it: with which environment, and why it didn't go well."""
    try:
        scope = await _entered(stage.environment, scope, files, bench)
        if bench.book.node(stage.id) is not None or await _begun(stage, scope, bench):
            await _body(stage, scope, bench)
    except Halt as halt:
        return scope, halt
    except asyncio.CancelledError:
        if scope.leash.ending is None:
            raise
        return scope, scope.leash.ending
    return scope, None


async def _begun(stage: Stage, scope: Scope, bench: Bench) -> bool:
    """Begin the stage, unless its `when` says that it is to be passed over."""
    wanted = stage.when is None or _holds(stage, scope, bench)
    await bench.book.begin(stage.id, stage.name)
    if wanted:
        bench.say(f"[Pipeline] stage ({stage.name})")
        return True
    bench.say(f'Stage "{stage.name}" skipped due to when conditional')
    await bench.book.end(stage.id, Result.NOT_BUILT)
    return False


def _holds(stage: Stage, scope: Scope, bench: Bench) -> bool:
    try:
        return stage.when is None or holds(stage.when, bench.variables(scope.env))
    except Invalid as fault:
        raise Halt(Result.FAILURE, bench.masks.told(fault.text)) from None


async def _body(stage: Stage, scope: Scope, bench: Bench) -> None:
    """The stage's steps or stages, within its time, as often as it may be tried."""
    node = bench.book.node(stage.id)
    seconds = stage.options.timeout
    timeout = Halt(Result.ABORTED, f"the timeout of {seconds} s has passed")
    left = _left(seconds, node.started_at if node else None, bench) if seconds else None

    async def work(leash: Leash) -> None:
        attempt = node.attempt if node else 1
        while True:
            try:
                await _inner(stage, replace(scope, leash=leash), bench)
            except Halt as halt:
                if halt.result is Result.ABORTED or attempt >= stage.options.tries:
                    raise
                attempt += 1
                bench.say(f"Retrying stage {stage.name}: attempt {attempt} of {stage.options.tries}")
                await bench.book.again_stage(stage, attempt)
            else:
                return

    await bounded(scope.leash, left, timeout, bench.parts.clock, work)


async def _inner(stage: Stage, scope: Scope, bench: Bench) -> None:
    if stage.parallel:
        await _side_by_side(stage, scope, bench)
    elif stage.stages:
        await _in_order(stage.stages, scope, bench)
    else:
        await do_all(stage.steps, scope, bench)


async def _side_by_side(stage: Stage, scope: Scope, bench: Bench) -> None:
    """All at one time; the first that fails ends the others where failFast says so. Raises the worst `Halt`."""
    group = Leash(scope.leash)

    async def branch(one: Stage) -> None:
        try:
            await group.led(_stage(one, replace(scope, leash=group), bench))
        except Halt as halt:
            if stage.fail_fast:
                group.cut(Halt(Result.ABORTED, f"ended since {one.name} failed beside it"))
            raise halt from None

    tasks = [asyncio.create_task(branch(one)) for one in stage.stages]
    try:
        await asyncio.wait(tasks)
    finally:
        await ended(*tasks)
    halts: list[Halt] = []
    for task in tasks:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Halt):
            raise error
        halts += [error] if error is not None else []
    if halts:
        raise next((halt for halt in halts if halt.result is Result.FAILURE), halts[0])


async def _entered(variables: Iterable[Variable], scope: Scope, files: ExitStack, bench: Bench) -> Scope:
    """The scope with its `environment`, whose files stand until the stack is closed. Raises `Halt`."""
    env = dict(scope.env)
    for one in variables:
        try:
            text = filled(one.value, bench.variables(env))
        except Invalid as fault:
            raise Halt(Result.FAILURE, bench.masks.told(fault.text)) from None
        if not one.credential:
            env[one.name] = text
            continue
        lent = await lending.named(one, text, bench)
        env |= files.enter_context(lending.held(lent, bench))
    return replace(scope, env=env)


async def _after_all(post: Post, scope: Scope, ending: Halt | None, bench: Bench) -> Halt | None:
    """What is done after all stages, shown as a stage of its own; where nothing is, there is none."""
    before = await queries.before(bench.parts.store, bench.run)
    if not any(DONE_WHEN[name](_result(ending), before) for name in post.conditions):
        return ending
    node = bench.book.node(post.id)
    if node is None:
        await bench.book.begin(post.id, AFTER)
        bench.say(f"[Pipeline] stage ({AFTER})")
    elif node.finished:
        return ending or (Halt(node.result, node.reason) if node.result is not Result.SUCCESS else None)
    own = replace(scope, node=post.id)
    after = await _after(post, own, ending, bench)
    await bench.book.finish(post.id, after if after is not ending else None)
    return after


async def _after(post: Post, scope: Scope, ending: Halt | None, bench: Bench) -> Halt | None:
    """Whatever `post` holds for how it ended; it is done even where somebody has stopped the rest. One that fails makes
    the whole fail.
    """
    before = await queries.before(bench.parts.store, bench.run)
    timeout = Halt(Result.ABORTED, f"what is done afterwards took longer than {bench.parts.settings.post_seconds:g} s")
    for name in CONDITIONS:
        steps = post.conditions.get(name)
        if steps is None or not DONE_WHEN[name](_result(ending), before):
            continue

        try:
            work = _doing(steps, scope, bench)
            await bounded(Leash(), bench.parts.settings.post_seconds, timeout, bench.parts.clock, work)
        except Halt as halt:
            ending = ending or halt
        except Broken as fault:
            ending = ending or Halt(Result.FAILURE, bench.masks.told(fault.text))
    return ending


def _doing(steps: Sequence[Step], scope: Scope, bench: Bench) -> Work:
    async def work(leash: Leash) -> None:
        await do_all(steps, replace(scope, leash=leash), bench)

    return work


def _result(ending: Halt | None) -> Result:
    return ending.result if ending else Result.SUCCESS
