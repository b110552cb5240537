"""A container's log. It is kept nowhere: a line is a function of the run that wrote it and the moment it was written,
so that it reads the same at any time, after a restart too, and costs nothing until somebody reads.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace

from libs.sandbox.nodes.lines import Draw, Voice, at_time, voice_of
from libs.sandbox.nodes.usage import noise
from libs.shared.values import Clock

KEPT = 2 * 3600.0
"""Seconds before now, or before the run ended, for which lines can still be read, as with a node that rotates logs."""
_SPOKEN = 0.9
"""Share of the turns in which a container says something."""
_FIRST = 0.02
"""Seconds between the lines that a start writes."""


@dataclass(frozen=True, slots=True)
class Run:
    """One life of a container, from its start to its end. Times are Unix seconds."""

    seed: str
    image: str
    started: float
    ended: float = math.inf
    failed: bool = False
    silent_from: float = math.inf
    """When it hangs and writes no more."""


@dataclass(frozen=True, slots=True)
class Line:
    """What was written, and when."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a log is wanted, as the API server's query says it."""

    since: float = -math.inf
    """Unix seconds; nothing older."""
    tail: int | None = None
    limit_bytes: int | None = None
    timestamps: bool = False


def lines_between(run: Run, begin: float, end: float) -> Iterator[Line]:
    """What the run wrote from one moment on (included) and before the other, in order."""
    voice = voice_of(run.image)
    begin, until = max(begin, run.started), min(end, run.ended, run.silent_from)
    for place, text in enumerate(voice.starting):
        if begin <= run.started + place * _FIRST < until:
            yield Line(run.started + place * _FIRST, text)
    settled = run.started + len(voice.starting) * _FIRST
    for turn in range(max(0, math.floor((begin - run.started) / voice.period)), _turns(until - run.started, voice)):
        line = _line(run, voice, turn)
        if line is not None and max(begin, settled) <= line.at < until:
            yield line
    if run.failed and begin <= run.ended < end:
        yield Line(run.ended, voice.dying)


def _turns(seconds: float, voice: Voice) -> int:
    return max(0, math.floor(seconds / voice.period) + 1)


def _line(run: Run, voice: Voice, turn: int) -> Line | None:
    if noise(run.seed, turn, "spoken") >= _SPOKEN:
        return None
    at = run.started + (turn + noise(run.seed, turn, "when")) * voice.period
    return Line(at, voice.running(Draw(run.seed, turn), at_time(at)))


def read(run: Run, wanted: Reading, now: float) -> Iterator[bytes]:
    """The log as it stands: at most what is kept, from `since`, of that the last `tail` lines, and of their text no
    more than `limit_bytes`.
    """
    begin = max(wanted.since, min(now, run.ended) - KEPT)
    found = _tail(run, begin, now, wanted.tail) if wanted.tail is not None else lines_between(run, begin, now)
    left = math.inf if wanted.limit_bytes is None else wanted.limit_bytes
    for line in found:
        raw = written(line, timestamps=wanted.timestamps)
        if len(raw) > left:
            yield raw[: int(left)]
            return
        yield raw
        left -= len(raw)


def _tail(run: Run, begin: float, now: float, count: int) -> list[Line]:
    if count <= 0:
        return []
    end = min(now, run.ended + 1)
    span = (count + 5) * voice_of(run.image).period
    while True:
        found = list(lines_between(run, max(begin, end - span), end))
        if len(found) >= count or end - span <= max(begin, run.started):
            return found[-count:]
        span *= 2


def written(line: Line, *, timestamps: bool) -> bytes:
    """The line as it is sent, with a line's end; the time before it in nanoseconds where that is asked for."""
    if not timestamps:
        return f"{line.text}\n".encode()
    nanoseconds = round(line.at % 1 * 1e6) % 1_000_000 * 1000
    return f"{at_time(math.floor(line.at)):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z {line.text}\n".encode()


Standing = Callable[[], Awaitable[Run | None]]
"""The run as it stands now; None when there is no such pod any more."""


async def follow(run: Run, wanted: Reading, clock: Clock, standing: Standing) -> AsyncGenerator[bytes, None]:
    """The log as it stands, then each line as it is written, until the run ends or its pod is gone."""
    told = now = clock().timestamp()
    left = math.inf if wanted.limit_bytes is None else wanted.limit_bytes
    batch = list(read(run, replace(wanted, limit_bytes=None), now))
    while True:
        for raw in batch:
            yield raw[: int(min(len(raw), left))]
            left -= len(raw)
            if left <= 0:
                return
        if now > run.ended:
            return
        await clock.sleep(_pause(run, now))
        found = await standing()
        if found is None or found.started != run.started:
            return
        run, now = found, clock().timestamp()
        batch = [written(line, timestamps=wanted.timestamps) for line in lines_between(run, told, now)]
        told = now


def _pause(run: Run, now: float) -> float:
    """Seconds until there may be something to tell: the next line, or that the run has ended meanwhile."""
    period = voice_of(run.image).period
    upcoming = next(lines_between(run, now, now + period), None)
    return max(_FIRST, upcoming.at - now + _FIRST / 2) if upcoming else period
