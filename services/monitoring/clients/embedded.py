"""The embedded store of series, asked in PromQL; everything heavy runs in threads of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from libs.shared.errors import Fault, Invalid, TooLarge
from libs.shared.values import Clock
from services.monitoring.clients.parser import parsed
from services.monitoring.clients.tsdb.engine import Bounds, Tsdb
from services.monitoring.domain.answer import Answer, answered
from services.monitoring.domain.labels import NAME, Labels, Matcher
from services.monitoring.domain.moment import Moments
from services.monitoring.domain.promql.evaluator import evaluated
from services.monitoring.domain.promql.frames import Budget, Grid, Samples, Series, grid_of
from services.monitoring.domain.promql.nodes import Node, Select
from services.monitoring.domain.remote import Decoder
from services.monitoring.domain.rules import Rule, recorded
from services.monitoring.domain.sample import ENDED, Reading, Report
from services.monitoring.settings import MonitoringSettings

T = TypeVar("T")
DAY = 86_400_000
EVERYTHING = (Matcher(NAME, "!=", ""),)
REMEMBERED = 2048
REMEMBERED_SAMPLES = 2_000_000


class Memo:
    """A source that remembers what it was asked: the metrics of one page look at the same series."""

    def __init__(self, tsdb: Tsdb, passing: frozenset[str] = frozenset()) -> None:
        """`passing` are names that change while this lives."""
        self._tsdb = tsdb
        self._passing = passing
        self._known: dict[tuple[tuple[Matcher, ...], int, int], list[Series]] = {}
        self._room = REMEMBERED_SAMPLES

    def select(self, matchers: Sequence[Matcher], start: int, end: int) -> list[Series]:
        """As the store's."""
        key = (tuple(matchers), start, end)
        names = [one.value for one in matchers if one.name == NAME and one.op == "="]
        if not names or names[0] in self._passing:
            return self._tsdb.select(matchers, start, end)
        known = self._known.get(key)
        if known is None:
            known = self._tsdb.select(matchers, start, end)
            self._room -= sum(len(one.times) for one in known)
            if self._room >= 0:
                self._known[key] = known
        return known


class Embedded:
    """One process's own series."""

    def __init__(self, folder: Path, settings: MonitoringSettings, clock: Clock) -> None:
        bounds = Bounds(
            round(settings.keep_days * DAY), settings.keep_mib << 20, settings.series, settings.query_samples
        )
        self._tsdb = Tsdb(folder, bounds)
        self._settings, self._clock = settings, clock
        self._queries = ThreadPoolExecutor(settings.queries, "promql")
        self._writes = ThreadPoolExecutor(1, "series")
        self._nodes: dict[str, Node] = {}
        self._decoder = Decoder()
        self._recorded: dict[Rule, frozenset[Labels]] = {}

    async def query(self, expressions: Mapping[str, str], when: Moments) -> dict[str, Answer]:
        """As `Metrics` says."""
        return await self._ask(partial(self._answers, dict(expressions), when, self._budget()))

    def _budget(self) -> Budget:
        """From now on, waiting for a thread included."""
        until = self._clock.monotonic() + self._settings.query_seconds
        return Budget(self._settings.query_samples, lambda: self._clock.monotonic() > until)

    def _answers(self, expressions: Mapping[str, str], when: Moments, budget: Budget) -> dict[str, Answer]:
        source, found = Memo(self._tsdb), {}
        for name, text in expressions.items():
            own = Budget(self._settings.query_samples, budget.expired)
            found[name] = self._answer(text, when, source, own)
        return found

    def _answer(self, text: str, when: Moments, source: Memo, budget: Budget) -> Answer:
        try:
            grid = _grid(when)
            node = self._node(text)
            return answered(evaluated(node, source, grid, budget), grid, instant=not when.ranged)
        except (Invalid, TooLarge) as fault:
            return Answer(error=worded(fault))
        except Fault as fault:
            return Answer(error=f"internal: {fault.text}")

    def _node(self, text: str) -> Node:
        """Parsed once; what many callers ask is asked again and again."""
        node = self._nodes.get(text)
        if node is None:
            node = parsed(text)
            if len(self._nodes) >= REMEMBERED:
                self._nodes.clear()
            self._nodes[text] = node
        return node

    async def series(self, selectors: Sequence[str], start: int, end: int) -> list[Labels]:
        """As `Metrics` says."""
        return await self._ask(partial(self._series, list(selectors), start, end))

    def _series(self, selectors: Sequence[str], start: int, end: int) -> list[Labels]:
        wanted = [lists for text in selectors for lists in matchers_of(text)] or [EVERYTHING]
        return sorted({labels for matchers in wanted for labels in self._tsdb.series(matchers, start, end)})

    async def write(self, readings: Sequence[Reading], *, sync: bool = True) -> Report:
        """As `Keep` says."""
        return await self._keep(partial(self._tsdb.append, readings, self._now(), sync=sync))

    async def take(self, request: bytes) -> Report:
        """As `Keep` says."""
        return await self.write(await asyncio.to_thread(self._decoder.readings, request))

    async def record(self, rules: Sequence[Rule], at: int) -> Report:
        """As `Keep` says."""
        return await self._keep(partial(self._record, tuple(rules), at, self._budget()))

    def _record(self, rules: Sequence[Rule], at: int, budget: Budget) -> Report:
        source = Memo(self._tsdb, frozenset(rule.record for rule in rules))
        grid, total = grid_of(at, at, 0), Report(0)
        for rule in rules:
            own = Budget(self._settings.query_samples, budget.expired)
            try:
                value = evaluated(self._node(rule.expression), source, grid, own)
            except Invalid:
                total += Report(0, failed=1)
                continue
            if not isinstance(value, str | Samples):
                total += self._tsdb.append(self._told(rule, recorded(rule, value, at), at), at, sync=False)
        self._tsdb.sync()
        return total

    def _told(self, rule: Rule, readings: list[Reading], at: int) -> list[Reading]:
        """With the ends of series that the rule gave the last time, and gives no more."""
        now = {labels for labels, _, _ in readings}
        before, self._recorded[rule] = self._recorded.get(rule, frozenset()), frozenset(now)
        return readings + [(labels, at, ENDED) for labels in before - now]

    async def tend(self) -> None:
        """As `Keep` says."""
        await self._keep(partial(self._tsdb.tend, self._now()))

    async def close(self) -> None:
        """Wait for what is under way, then close the store."""
        for pool in (self._queries, self._writes):
            await asyncio.to_thread(pool.shutdown)
        await asyncio.to_thread(self._tsdb.close)

    def _now(self) -> int:
        return round(self._clock().timestamp() * 1000)

    async def _ask(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._queries, work)

    async def _keep(self, work: Callable[[], T]) -> T:
        """Writing goes on when whoever asked is gone: it is one thing to the disk."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._writes, work))


def matchers_of(text: str) -> tuple[tuple[Matcher, ...], ...]:
    """The alternatives of a selector; raises `Invalid` for any other expression."""
    node = parsed(text)
    if not isinstance(node, Select) or node.offset or node.at is not None:
        raise Invalid("promql", 'a selector is expected, such as up{job="kubelet"}')
    return node.alternatives


def _grid(when: Moments) -> Grid:
    if not when.ranged:
        return grid_of(when.end, when.end, 0)
    if when.step <= 0:
        text = "zero or negative query resolution step widths are not accepted. Try a positive integer"
        raise Invalid("query-step", f'invalid parameter "step": {text}')
    return grid_of(when.start, when.end, when.step)


def worded(fault: Fault) -> str:
    """The fault as Prometheus' API words it: its kind, then the sentence."""
    if fault.slug in ("promql", "regex"):
        return f'bad_data: invalid parameter "query": {fault.text}'
    if fault.slug in ("query-step", "query-resolution"):
        return f"bad_data: {fault.text}"
    return f"{'timeout' if fault.slug == 'query-timeout' else 'execution'}: {fault.text}"
