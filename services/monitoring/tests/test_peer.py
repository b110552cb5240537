"""The embedded store beside a real Prometheus (with `--web.enable-remote-write-receiver` and a retention of years)."""

from __future__ import annotations

import os
from math import isclose

import pytest

from services.monitoring.domain.answer import Answer
from services.monitoring.domain.moment import Moments
from services.monitoring.tests.peer import PLACES, holding, page, scraped
from services.monitoring.tests.stage import now, opened

Rows = dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]


def rows(answer: Answer) -> Rows:
    """Points by labels."""
    assert answer.error == ""
    return {tuple(sorted(row.metric.items())): [(at, float(value)) for at, value in row.points] for row in answer.rows}


def same(mine: Rows, theirs: Rows) -> bool:
    """Whether both have the same series with the same points."""
    return mine.keys() == theirs.keys() and all(
        len(points) == len(theirs[labels])
        and all(a[0] == b[0] and isclose(a[1], b[1], rel_tol=1e-9) for a, b in zip(points, theirs[labels], strict=True))
        for labels, points in mine.items()
    )


@pytest.mark.server("prometheus")
async def test_every_named_metric_is_what_prometheus_makes_of_the_same_samples(tmp_path):
    """All levels, at one moment and over a range: series, labels, moments and values."""
    async with opened(tmp_path) as parts:
        several = await scraped(parts, rounds=20)
        last = now(parts) - 15_000
        moments = (Moments(last, last), Moments(last - 240_000, last, 30_000, ranged=True))
        differing, compared = [], 0
        async with holding(os.environ["SERVER_PROMETHEUS"], several) as client:
            for level in PLACES:
                wanted = page(parts, level)
                for when in moments:
                    mine, theirs = await parts.metrics.query(wanted, when), await client.query(wanted, when)
                    differing += [name for name in wanted if not same(rows(mine[name]), rows(theirs[name]))]
                    compared += len(wanted)
    assert differing == []
    assert compared == 2 * sum(len(parts.seeds.catalogue.levels[level]) for level in PLACES)
