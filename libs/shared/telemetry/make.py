"""Opening one service's telemetry, and closing it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TextIO

from opentelemetry.sdk.trace import SpanProcessor

from libs.shared.config.suite import Suite
from libs.shared.errors import Invalid
from libs.shared.telemetry import Telemetry
from libs.shared.telemetry.logs import make_log
from libs.shared.telemetry.metrics import make_registry
from libs.shared.telemetry.traces import make_provider


@contextmanager
def telemetry_of(service: str, suite: Suite, stream: TextIO = sys.stderr) -> Iterator[Telemetry]:
    """A service's telemetry by the suite's settings; what was traced is sent off when the block ends.

    Raises `Invalid` when an OTLP address is given and its exporter isn't installed.
    """
    processors: tuple[SpanProcessor, ...] = ()
    if suite.otlp is not None:
        try:
            processors = (import_module("libs.shared.telemetry.otlp").make_processor(suite.otlp.reveal()),)
        except ImportError as error:
            raise Invalid("otlp-missing", "ORRERY_OTLP needs the extra `otlp`: pip install 'orrery[otlp]'") from error
    provider = make_provider(service, processors)
    pretty = suite.log_format == "pretty" or (suite.log_format == "auto" and stream.isatty())
    try:
        yield Telemetry(
            log=make_log(service, stream, level=suite.log_level, pretty=pretty),
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
