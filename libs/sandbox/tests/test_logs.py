"""Logs of simulated containers."""

import asyncio
import itertools
import math
from dataclasses import replace

from libs.sandbox.nodes.lines import voice_of
from libs.sandbox.nodes.logs import KEPT, Reading, Run, follow, lines_between, read, written
from libs.shared.testing.clock import VirtualClock, settle

BEGIN = 1_800_000_000.25
RUN = Run("seed/uid/web", "docker.io/library/nginx:1.27", BEGIN)


def test_a_log_reads_the_same_however_it_is_cut():
    """Lines are a function of time: read at once or in pieces, earlier or later, they are the same and in order."""
    whole = list(lines_between(RUN, BEGIN, BEGIN + 600))
    pieces = [line for i in range(600) for line in lines_between(RUN, BEGIN + i, BEGIN + i + 1)]
    assert whole == pieces
    assert [line.at for line in whole] == sorted(line.at for line in whole)
    assert 150 < len(whole) < 210  # about one in three seconds
    assert list(lines_between(replace(RUN, seed="other"), BEGIN, BEGIN + 600)) != whole


def test_a_tail_is_the_end_of_the_whole():
    """`tailLines` gives the last lines, also more than there are, and none for 0."""
    now = BEGIN + 1000
    whole = list(read(RUN, Reading(), now))
    for count in (0, 1, 7, 100, 10_000):
        assert list(read(RUN, Reading(tail=count), now)) == (whole[-count:] if count else [])


def test_nothing_older_than_what_is_kept():
    """A container that has run for a year answers with the last hours, not with a year."""
    now = BEGIN + 365 * 86400
    found = list(read(RUN, Reading(timestamps=True), now))
    assert 1000 < len(found) < KEPT / 2
    assert len(list(read(RUN, Reading(since=now - 60), now))) < 30


def test_limit_bytes_cuts_in_the_middle_of_a_line():
    """Exactly as many bytes as allowed."""
    assert len(b"".join(read(RUN, Reading(limit_bytes=100), BEGIN + 1000))) == 100


def test_a_crash_has_the_last_word():
    """A run that failed ends with why, at the moment it ended; nothing follows."""
    run = replace(RUN, ended=BEGIN + 30, failed=True)
    found = list(lines_between(run, BEGIN, BEGIN + 600))
    assert found[-1].text == voice_of(run.image).dying
    assert found[-1].at == BEGIN + 30


def test_timestamps_are_rfc_3339_with_nanoseconds():
    """As kubelets write them."""
    line = next(lines_between(RUN, BEGIN, BEGIN + 1))
    assert written(line, timestamps=True).startswith(b"2027-01-15T08:00:00.250000000Z /docker-entrypoint.sh")


def test_images_speak_differently():
    """A web server logs requests, a database its statements, an unknown image as an application."""
    for image, word in (
        ("nginx", "HTTP/1.1"),
        ("postgres:16", "LOG:"),
        ("redis", "1:M"),
        ("shop/orders:2", "INFO"),
        ("shop/orders-api:2", '{"ts":'),
    ):
        text = "\n".join(line.text for line in lines_between(Run("s", image, BEGIN), BEGIN + 10, BEGIN + 300))
        assert word in text


async def test_following_gives_each_line_once_and_ends_with_the_run():
    """What was there, then what comes; no line twice or left out; the end of the run ends the stream."""
    clock = VirtualClock()
    begin = clock().timestamp()
    run, ended = Run("s", "nginx", begin - 60), [math.inf]

    async def standing():
        return replace(run, ended=ended[0])

    async def reader():
        return [raw async for raw in follow(run, Reading(), clock, standing)]

    task = asyncio.create_task(reader())
    await clock.advance(60)
    ended[0] = clock().timestamp()
    await clock.advance(10)
    await settle()
    assert task.done()
    wanted = lines_between(replace(run, ended=ended[0]), begin - 60, begin + 70)
    assert await task == [written(line, timestamps=False) for line in wanted]


async def test_a_gone_pod_ends_the_stream():
    """The pod is removed: the follower's stream ends, with what was written until then."""
    clock = VirtualClock()
    run = Run("s", "nginx", clock().timestamp())

    async def standing():
        return None

    async def all_of_it():
        return [raw async for raw in follow(run, Reading(), clock, standing)]

    task = asyncio.create_task(all_of_it())
    await clock.advance(10)
    assert await task == []


def test_lines_are_bounded_in_length():
    """No line of any voice is longer than a screen's few lines."""
    for image in ("nginx", "postgres", "redis", "coredns", "agent", "x"):
        found = itertools.islice(lines_between(Run("s", image, BEGIN), BEGIN, BEGIN + 3000), 500)
        assert max(len(line.text) for line in found) < 300


def test_a_run_that_ended_long_ago_can_still_be_read():
    """Its lines are kept as long as its pod is, back from its end."""
    run = replace(RUN, ended=BEGIN + 60)
    assert len(list(read(run, Reading(), BEGIN + 86_400))) > 10
