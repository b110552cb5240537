"""Logs, traces and metrics of one service, handed down: no provider is global."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What a service logs to, traces with and counts in.

    `log` is a structlog logger bound to the service's name; `registry` is rendered at its `/metrics`.
    """

    log: Any
    tracer: Tracer
    registry: CollectorRegistry
