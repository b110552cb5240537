"""Metrics: rate, errors, duration; backlog as depth and age; a registry a service."""

from datetime import UTC, datetime, timedelta

from prometheus_client import generate_latest

from libs.shared.telemetry.make import silent, telemetry_of
from libs.shared.telemetry.metrics import Backlogs, ReactionMetrics, RouteMetrics, make_registry

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_routes_count_by_pattern_and_status() -> None:
    """One answer is one count under its pattern, and one duration."""
    registry = make_registry()
    RouteMetrics(registry).answered("GET", "/users/{user}", 404, 0.02)
    labels = {"method": "GET", "route": "/users/{user}"}
    assert registry.get_sample_value("orrery_http_requests_total", labels | {"status": "404"}) == 1
    assert registry.get_sample_value("orrery_http_request_seconds_count", labels) == 1


def test_reactions_count_by_outcome() -> None:
    """What was parked is told from what was done."""
    registry = make_registry()
    ReactionMetrics(registry).handled("notification", "UserCreated", "parked", 0.1)
    labels = {"consumer": "notification", "event": "UserCreated", "outcome": "parked"}
    assert registry.get_sample_value("orrery_consumer_events_total", labels) == 1


def test_backlog_is_read_when_scraped() -> None:
    """Depth and age are those of the moment; nothing waiting has age 0."""
    registry = make_registry()
    waiting: list[tuple[int, datetime | None]] = [(3, NOON - timedelta(seconds=7))]
    Backlogs(registry, lambda: NOON).watch("orrery_outbox", "accounts", lambda: waiting[-1])
    assert registry.get_sample_value("orrery_outbox_depth", {"name": "accounts"}) == 3
    assert registry.get_sample_value("orrery_outbox_age_seconds", {"name": "accounts"}) == 7
    waiting.append((0, None))
    assert registry.get_sample_value("orrery_outbox_age_seconds", {"name": "accounts"}) == 0


def test_two_services_share_nothing() -> None:
    """What one counts is not in the other's registry, and both tell of the process."""
    one, two = silent("a").registry, silent("b").registry
    RouteMetrics(one).answered("GET", "/", 200, 0.1)
    assert b"orrery_http_requests" not in generate_latest(two)
    assert b"process_resident_memory_bytes" in generate_latest(two)


def test_telemetry_by_default() -> None:
    """By default nothing is exported and a logger, tracer and registry stand."""
    with telemetry_of("a") as telemetry:
        with telemetry.tracer.start_as_current_span("x") as running:
            assert not running.is_recording()
        assert telemetry.registry.get_sample_value("process_start_time_seconds")
