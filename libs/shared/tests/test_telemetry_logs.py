"""Logs: machine-readable, causal, and without secrets."""

import io
import json
import logging
from typing import Any

import pytest

from libs.shared.event import CAUSE, Cause
from libs.shared.telemetry.logs import Forward, make_log, redacted
from libs.shared.telemetry.traces import make_provider, span
from libs.shared.values import Secret


def logged(level: str = "debug", **entry: Any) -> dict[str, Any]:
    stream = io.StringIO()
    make_log("accounts", stream, level=level).info("something happened", **entry)
    parsed: dict[str, Any] = json.loads(stream.getvalue())
    return parsed


def test_a_line_is_one_json_object_with_service_level_and_time() -> None:
    """What a log collector needs stands in each line."""
    line = logged(user="bob")
    assert line.pop("timestamp").endswith("Z")
    assert line == {"service": "accounts", "level": "info", "event": "something happened", "user": "bob"}


@pytest.mark.parametrize(
    "entry",
    [
        {"value": Secret("hunter2")},
        {"password": "hunter2"},
        {"headers": {"Authorization": "hunter2", "Cookie": "hunter2"}},
        {"body": [{"spec": {"currentPassword": "hunter2"}}]},
        {"apiKey": "hunter2", "client_secret": "hunter2", "refresh_token": "hunter2"},
        {"url": "nats://me:hunter2@broker"},
        {"text": "sent Authorization: Bearer hunter2hunter2"},
        {"pem": "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"},
    ],
)
def test_secrets_are_hidden(entry: dict[str, Any]) -> None:
    """By type, by key at any depth, and by shape inside a text."""
    line = json.dumps(logged(**entry))
    assert "hunter2" not in line
    assert "***" in line


def test_a_token_in_an_exception_is_hidden() -> None:
    """A JWT is known by its shape, wherever it stands; the rest of the text stays."""
    assert redacted("refused eyJhbGciOi.eyJzdWIiOi.c2lnbmF0 as expired") == "refused *** as expired"


def test_an_exceptions_text_is_redacted() -> None:
    """A traceback is text like any other: what a library put into its message is looked through."""
    stream = io.StringIO()
    log = make_log("accounts", stream)
    try:
        int("nats://me:hunter2@broker refused")
    except ValueError:
        log.exception("broke")
    assert "ValueError" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_deep_values_end() -> None:
    """A value that contains itself doesn't hang the log."""
    loop: list[Any] = []
    loop.append(loop)
    assert "…" in str(redacted(loop))


def test_level_filters() -> None:
    """Below the level nothing is written."""
    stream = io.StringIO()
    make_log("accounts", stream, level="error").info("quiet")
    assert stream.getvalue() == ""


def test_trace_and_correlation_are_added() -> None:
    """A line belongs to its trace and its chain of causes without anybody passing them."""
    token = CAUSE.set(Cause(correlation="c-1"))
    try:
        with span(make_provider("accounts").get_tracer("t"), "work") as running:
            line = logged()
    finally:
        CAUSE.reset(token)
    assert line["correlation"] == "c-1"
    assert line["trace"] == f"{running.get_span_context().trace_id:032x}"


def test_pretty_is_plain_where_nobody_sees_colours() -> None:
    """Pretty text into a file has no escape sequences."""
    stream = io.StringIO()
    make_log("accounts", stream, pretty=True).info("started", port=80)
    assert "started" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_standard_logging_is_forwarded() -> None:
    """What a library says reaches the same log, with its name and level."""
    stream = io.StringIO()
    record = logging.LogRecord("aiohttp.server", logging.ERROR, "f.py", 1, "bad %s", ("thing",), None)
    Forward(make_log("process", stream)).emit(record)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["logger"], line["level"]) == ("bad thing", "aiohttp.server", "error")
