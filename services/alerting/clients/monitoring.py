"""PromQL, asked of the monitoring service in alerting's own name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from libs.shared.errors import Broken
from libs.shared.http.calls import Calls
from services.alerting.domain.alert import Sample
from services.alerting.domain.matcher import Matcher

SERVICE: Final = "monitoring"
QUERY: Final = "/internal/monitoring/v1/query"
PARSE: Final = "/internal/monitoring/v1/parse"
LARGEST: Final = 16 << 20


class Monitoring:
    """Both raise `Invalid` for an expression that isn't taken, `Busy` or `Broken` when nobody can tell."""

    def __init__(self, calls: Calls, seconds: float) -> None:
        self._calls, self._seconds = calls, seconds

    async def parse(self, expression: str, bind: Sequence[Matcher]) -> None:
        """Return if the expression can be evaluated, bound to these matchers."""
        asked = {"query": expression, "bind": _wire(bind)}
        await self._calls.ask(SERVICE, "POST", PARSE, json=asked, seconds=self._seconds)

    async def query(self, expression: str, bind: Sequence[Matcher], at: datetime) -> tuple[Sample, ...]:
        """The series of the expression at that moment, with every selector of it bound to these matchers."""
        asked = {"query": expression, "bind": _wire(bind), "time": at.timestamp()}
        data = await self._calls.ask(SERVICE, "POST", QUERY, json=asked, seconds=self._seconds, largest=LARGEST)
        try:
            return _samples(data)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            raise Broken("monitoring-nonsense", "monitoring answered what is no data of Prometheus") from None


def _wire(bind: Sequence[Matcher]) -> list[dict[str, str]]:
    return [matcher.model_dump() for matcher in bind]


def _samples(data: Mapping[str, Any]) -> tuple[Sample, ...]:
    """A vector's series; a scalar is one without labels."""
    if data["resultType"] == "scalar":
        return (Sample({}, _number(data["result"][1])),)
    if data["resultType"] != "vector":
        raise Broken("monitoring-nonsense", "monitoring answered what is no vector")
    return tuple(
        Sample({str(name): str(value) for name, value in one["metric"].items()}, _number(one["value"][1]))
        for one in data["result"]
    )


def _number(text: Any) -> float:
    named = {"+Inf": math.inf, "-Inf": -math.inf, "NaN": math.nan}
    return named[text] if text in named else float(text)
