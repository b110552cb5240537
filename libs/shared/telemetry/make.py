"""Opening one service's telemetry, and closing it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TextIO

from opentelemetry.sdk.trace import SpanProcessor

from libs.shared.errors import Invalid
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.gathered import Gathered
from libs.shared.telemetry.logs import make_log
from libs.shared.telemetry.metrics import make_registry
from libs.shared.telemetry.traces import make_provider


@contextmanager
def telemetry_of(
    service: str,
    *,
    otlp: str = "",
    gathered: Gathered | None = None,
    level: str = "info",
    pretty: bool = False,
    stream: TextIO = sys.stderr,
) -> Iterator[Telemetry]:
    """A service's telemetry; what was traced is sent off to the address `otlp` before the block ends. Of a bounded
    number of traces a second, spans are `gathered` for whoever fetches them.

    Raises `Invalid` when such an address is given and the exporter isn't installed.
    """
    processors: tuple[SpanProcessor, ...] = ()
    if otlp:
        try:
            processors = (import_module("libs.shared.telemetry.otlp").make_processor(otlp),)
        except ModuleNotFoundError as error:
            raise Invalid("otlp-missing", "ORRERY_OTLP needs the extra `otlp`: pip install 'orrery[otlp]'") from error
    rate = gathered.rate if gathered and not otlp else None
    if gathered is not None:
        processors = (*processors, gathered.of(service))
    provider = make_provider(service, processors, rate)
    try:
        yield Telemetry(
            log=make_log(service, stream, level=level, pretty=pretty),
            tracer=provider.get_tracer("orrery"),
            registry=make_registry(),
        )
    finally:
        provider.shutdown()


def silent(service: str) -> Telemetry:
    """Telemetry that nobody reads, for tests and tools."""
    return Telemetry(
        log=make_log(service, io.StringIO(), level="error"),
        tracer=make_provider(service).get_tracer("orrery"),
        registry=make_registry(),
    )
