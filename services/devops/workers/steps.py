"""Steps of a run: each is noted before it begins and when it has ended, so that none that has ended is done again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from libs.shared.errors import Broken, Busy, Denied, Invalid, Missing
from services.devops.clients.process import Job
from services.devops.domain.jenkinsfile import steps as forms
from services.devops.domain.jenkinsfile.filling import filled
from services.devops.domain.jenkinsfile.model import Step, Template
from services.devops.domain.masking import Stream
from services.devops.domain.node import ABORT, Asked, StepState
from services.devops.domain.run import Result, State
from services.devops.workers import lending
from services.devops.workers.bench import Bench, Scope, inside
from services.devops.workers.leash import Halt, Leash, bounded, ended

FAULTS: Final = (Invalid, Missing, Denied, Busy, Broken)
INTERRUPTED: Final = frozenset({"sh", "git", "checkout"})
"""Steps of which nobody knows how far they came when their process ended: they count as failed."""
SHELL: Final = "/bin/sh"


async def do_all(steps: Sequence[Step], scope: Scope, bench: Bench) -> None:
    """Steps one after the other, until one fails. Raises `Halt`."""
    for step in steps:
        block = BLOCKS.get(step.name)
        try:
            await (block(step, scope, bench) if block else _single(step, scope, bench))
        except Invalid as fault:
            raise Halt(Result.FAILURE, bench.masks.told(fault.text)) from None


async def _single(step: Step, scope: Scope, bench: Bench) -> None:
    """A step without a block. One that has ended is passed over; one that was begun elsewhere is gone on with, or
    counts as failed.
    """
    state = bench.book.step(scope.node, step.id)
    if state is not None and state.finished:
        _settled(state)
        return
    left = bench.book.left(scope.node, step.id)
    if state is None:
        state = await bench.book.note(scope.node, _begun(step, scope, bench))
    elif left and step.name in INTERRUPTED:
        why = f"{step.name} was interrupted: the process that ran it ended before it did"
        await _end(step, scope, state, Halt(Result.FAILURE, why), bench)
        raise Halt(Result.FAILURE, why)
    bench.parts.works.failpoints.hit(f"devops.{step.name}")
    try:
        await PERFORM[step.name](step, scope, state, bench)
    except Halt as halt:
        await _end(step, scope, state, halt, bench)
        raise
    except FAULTS as fault:
        failed = Halt(Result.FAILURE, bench.masks.told(fault.text))
        await _end(step, scope, state, failed, bench)
        raise failed from None
    except asyncio.CancelledError:
        if (ending := scope.leash.ending) is not None:
            await _end(step, scope, state, Halt(Result.ABORTED, ending.reason), bench)
        raise
    await bench.book.end_step(scope.node, state, None)


def _begun(step: Step, scope: Scope, bench: Bench) -> StepState:
    """The step as it begins; an input with what it asks."""
    asked = None
    if step.name == "input":
        text = partial(_text, step, scope=scope, bench=bench)
        names = tuple(filter(None, (name.strip() for name in text("submitter").split(","))))
        message, ok = bench.masks.told(text("message"))[:4096], bench.masks.told(text("ok"))[:200]
        asked = Asked(message=message, ok=ok or "Proceed", submitters=names[:100], id=text("id")[:200])
    label = bench.masks.told(_label(step, scope, bench))
    return StepState(
        id=step.id,
        name=step.name,
        label=label if len(label) <= 300 else label[:300] + "…",  # noqa: PLR2004  # a line that is read at one glance
        state=State.PAUSED if asked else State.RUNNING,
        started_at=bench.parts.clock(),
        asked=asked,
    )


def _label(step: Step, scope: Scope, bench: Bench) -> str:
    """What people read of a step: its script, message, place."""
    for key in ("label", "script", "message", "url", "artifacts"):
        if isinstance(step.args.get(key), Template):
            return _text(step, key, scope=scope, bench=bench)
    return ""


async def _end(step: Step, scope: Scope, state: StepState, halt: Halt, bench: Bench) -> None:
    if halt.result is Result.FAILURE:
        bench.say_why(halt.reason, step.id)
    await bench.book.end_step(scope.node, state, halt)


def _settled(state: StepState) -> None:
    if state.result is not Result.SUCCESS:
        raise Halt(state.result, state.reason)


def _text(step: Step, key: str, scope: Scope, bench: Bench) -> str:
    """An argument that is a text, filled in; empty where it isn't given."""
    found = step.args.get(key)
    return filled(found, bench.variables(scope.env)) if isinstance(found, Template) else ""


async def _sh(step: Step, scope: Scope, state: StepState, bench: Bench) -> None:
    """A shell script; each of its commands is written before it is run, and the first that fails ends it."""
    text = _text(step, "script", scope=scope, bench=bench)
    if "\x00" in text:
        raise Invalid("script", "a script holds a NUL")
    script = bench.room / "tmp" / f"step-{step.id}.sh"
    await asyncio.to_thread(_written, script, text)
    argv = (str(script),) if text.startswith("#!") else (SHELL, "-xe", str(script))
    job = Job(argv, bench.folder(scope.cwd), bench.room, scope.env)
    await _executed(step, scope, bench, job, state)


async def _executed(step: Step, scope: Scope, bench: Bench, job: Job, state: StepState) -> None:
    """A process to its end, under the eye of whoever bounds the workspace."""
    del state
    stream, leash = Stream(bench.masks), Leash(scope.leash)

    async def work() -> None:
        outcome = await bench.parts.works.processes.execute(job, partial(bench.heard, step.id, stream))
        if outcome.why:
            raise Halt(Result.FAILURE, f"script returned {outcome.why}")

    watching = asyncio.create_task(bench.watched(leash))
    try:
        await leash.led(work())
    finally:
        await ended(watching)
        bench.log.write(step.id, stream.rest())


def _written(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="replace")
    path.chmod(0o700)


async def _echo(step: Step, scope: Scope, state: StepState, bench: Bench) -> None:
    del state
    if not (bench.book.left(scope.node, step.id) and bench.log.written(step.id)):
        bench.say(_text(step, "message", scope=scope, bench=bench), step.id)


async def _error(step: Step, scope: Scope, state: StepState, bench: Bench) -> None:
    del state
    raise Halt(Result.FAILURE, bench.masks.told(_text(step, "message", scope=scope, bench=bench))[:4096])


async def _sleep(step: Step, scope: Scope, state: StepState, bench: Bench) -> None:
    """Until so many seconds after it began, whoever began it."""
    del scope
    seconds = forms.seconds(step.args, step.at, default="SECONDS")
    left = _left(seconds, state.started_at, bench)
    if left > 0:
        await bench.parts.clock.sleep(left)


def _left(seconds: float, began: datetime, bench: Bench) -> float:
    return seconds - (bench.parts.clock() - began).total_seconds()


async def _git(step: Step, scope: Scope, state: StepState, bench: Bench) -> None:
    """A tree of a repository into the present folder."""
    del state
    source, known = forms.source(step), bench.variables(scope.env)
    login = await lending.login(filled(source.credential, known), bench)
    url, ref = filled(source.url, known), filled(source.branch, known)
    own = {key: scope.env[key] for key in ("HOME", "TMPDIR") if key in scope.env}
    job = Job((), bench.folder(scope.cwd), bench.room, own)
    stream, leash = Stream(bench.masks), Leash(scope.leash)

    async def work() -> None:
        outcome = await bench.parts.works.git.check_out(url, ref, login, job, partial(bench.heard, step.id, stream))
        if outcome.why:
            raise Halt(Result.FAILURE, f"git ended with {outcome.why}")

    watching = asyncio.create_task(bench.watched(leash))
    try:
        await leash.led(work())
    finally:
        await ended(watching)
        bench.log.write(step.id, stream.rest())


async def _archive(step: Step, scope: Scope, state: StepState, bench: Bench) -> None:
    """Files of the workspace are kept with the run."""
    del state
    text = partial(_text, step, scope=scope, bench=bench)
    kept = await asyncio.to_thread(
        bench.parts.works.artifacts.keep, bench.run.uid, bench.work, scope.cwd, text("artifacts"), text("excludes")
    )
    bench.say(f"Archiving artifacts: {len(kept)}", step.id)
    if not kept and step.args.get("allowEmptyArchive") is not True:
        raise Halt(Result.FAILURE, f"no file of the workspace is named by {text('artifacts')[:200]!r}")


async def _input(step: Step, scope: Scope, state: StepState, bench: Bench) -> None:
    """Wait for somebody's word, for as long as it takes."""
    bench.waiting += 1
    try:
        await bench.book.pause(paused=True)
        bench.say(state.asked.message if state.asked else "", step.id)
        while state.waits:
            bench.nudge.clear()
            state = await bench.book.look(scope.node, step.id) or state
            if state.waits:
                await bench.nudge.wait()
    finally:
        bench.waiting -= 1
    if not bench.waiting:
        await bench.book.pause(paused=False)
    asked = state.asked
    if asked is not None and asked.given == ABORT:
        raise Halt(Result.ABORTED, f"rejected by {asked.by}")
    bench.say(f"Approved by {asked.by if asked else ''}", step.id)


async def _dir(step: Step, scope: Scope, bench: Bench) -> None:
    """Steps in another folder of the workspace."""
    cwd = inside(scope.cwd, _text(step, "path", scope=scope, bench=bench))
    bench.folder(cwd)
    await do_all(step.children, replace(scope, cwd=cwd), bench)


async def _with_env(step: Step, scope: Scope, bench: Bench) -> None:
    """Steps with some variables more; `PATH+X=…` of Jenkins puts before."""
    env = dict(scope.env)
    for one in forms.listed(step.args["overrides"]):
        if isinstance(one, Template):
            name, _, value = filled(one, bench.variables(env)).partition("=")
            env[name] = _clean(value)
    await do_all(step.children, replace(scope, env=env), bench)


def _clean(value: str) -> str:
    if "\x00" in value:
        raise Invalid("variable", "a variable holds a NUL")
    return value


async def _with_credentials(step: Step, scope: Scope, bench: Bench) -> None:
    """Steps that are lent credentials."""
    lent = await lending.bound(forms.listed(step.args["bindings"]), bench)
    with lending.held(lent, bench) as more:
        await do_all(step.children, replace(scope, env={**scope.env, **more}), bench)


async def _timeout(step: Step, scope: Scope, bench: Bench) -> None:
    """Steps for so long at most, counted from when they first began."""
    state = bench.book.step(scope.node, step.id) or await bench.book.note(scope.node, _begun(step, scope, bench))
    if state.finished:
        _settled(state)
        return
    seconds = forms.seconds(step.args, step.at, default="MINUTES")
    halt = Halt(Result.ABORTED, f"the timeout of {seconds:g} s has passed")

    async def work(leash: Leash) -> None:
        await do_all(step.children, replace(scope, leash=leash), bench)

    await _noted(scope, state, bench, bounded(scope.leash, _left(seconds, state.started_at, bench), halt,
                                              bench.parts.clock, work))  # fmt: skip


async def _retry(step: Step, scope: Scope, bench: Bench) -> None:
    """Steps again when they fail, so many times in all; somebody who stops them isn't resisted."""
    state = bench.book.step(scope.node, step.id) or await bench.book.note(scope.node, _begun(step, scope, bench))
    if state.finished:
        _settled(state)
        return
    count = forms.tries(step.args["count"], step.at)

    async def work() -> None:
        attempt = state.attempt
        while True:
            try:
                await do_all(step.children, scope, bench)
            except Halt as halt:
                if halt.result is Result.ABORTED or attempt >= count:
                    raise
                attempt += 1
                bench.say(f"Retrying: attempt {attempt} of {count}")
                await bench.book.again(scope.node, state.model_copy(update={"attempt": attempt}), step.children)
            else:
                return

    await _noted(scope, state, bench, work())


async def _noted(scope: Scope, state: StepState, bench: Bench, work: Awaitable[None]) -> None:
    """Do a block's work, and note how it ended."""
    try:
        await work
    except Halt as halt:
        await bench.book.end_step(scope.node, bench.book.step(scope.node, state.id) or state, halt)
        raise
    await bench.book.end_step(scope.node, bench.book.step(scope.node, state.id) or state, None)


Single = Callable[[Step, Scope, StepState, Bench], Awaitable[None]]
Block = Callable[[Step, Scope, Bench], Awaitable[None]]
PERFORM: Final[Mapping[str, Single]] = {
    "sh": _sh,
    "echo": _echo,
    "error": _error,
    "sleep": _sleep,
    "git": _git,
    "checkout": _git,
    "archiveArtifacts": _archive,
    "input": _input,
}
BLOCKS: Final[Mapping[str, Block]] = {
    "dir": _dir,
    "withEnv": _with_env,
    "withCredentials": _with_credentials,
    "timeout": _timeout,
    "retry": _retry,
}
