"""Logs: one JSON object a line, or aligned and coloured on a terminal; secrets are redacted by type, key and shape."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from opentelemetry import trace

from libs.shared.event import current_cause
from libs.shared.values import Secret

HIDDEN = "***"
DEEPEST = 8
SECRET_KEY = re.compile(
    r"(pass(word|wd|phrase)?|secret|token|authorization|cookie|credentials?|api_?key|private_?key|identity_?key)s?$",
    re.IGNORECASE,
)
SECRET_TEXT = re.compile(
    r"(?P<bearer>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{8,}"
    r"|(?P<user>://[^/@\s:]*:)[^/@\s]+(?=@)"
    r"|\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    re.DOTALL,
)
LEVELS: Mapping[str, int] = logging.getLevelNamesMapping()


def redacted(value: Any, depth: int = 0) -> Any:
    """The value without secrets: `Secret` by type, entries by key, credentials inside texts by shape."""
    match value:
        case Secret():
            return HIDDEN if value else ""
        case str():
            return SECRET_TEXT.sub(_hide, value)
        case bytes():
            return f"<{len(value)} bytes>"
        case Mapping() | list() | tuple() | set() | frozenset():
            return _redacted_inside(value, depth) if depth < DEEPEST else "…"
    return value


def _redacted_inside(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {k: HIDDEN if _names_secret(k) and v else redacted(v, depth + 1) for k, v in value.items()}
    return [redacted(item, depth + 1) for item in value]


def make_log(service: str, stream: TextIO, *, level: str = "info", pretty: bool = False) -> Any:
    """A logger of its own for one service: nothing of structlog's global configuration is used."""
    finish: Any = structlog.processors.JSONRenderer(default=str)
    if pretty:
        finish = structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=40)
    logger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S.%f" if pretty else "iso", utc=not pretty),
            _add_cause,
            structlog.processors.format_exc_info,
            _redact,
            finish,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level.upper()]),
        cache_logger_on_first_use=False,
    )
    return logger.bind(service=service)


class Forward(logging.Handler):
    """Hands what libraries say by the standard `logging` to one of our loggers. Installed by the program alone."""

    def __init__(self, log: Any, level: int = logging.WARNING) -> None:
        super().__init__(level)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record at its own level."""
        try:
            level = min(logging.CRITICAL, max(logging.DEBUG, record.levelno // 10 * 10))
            self._log.log(level, record.getMessage(), logger=record.name, exc_info=record.exc_info or None)
        except (ValueError, TypeError):  # a library's malformed record, or a stream closed under us at the end
            self.handleError(record)


def _add_cause(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Which request or event this belongs to."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event.setdefault("trace", f"{context.trace_id:032x}")
    correlation = current_cause().correlation
    if correlation:
        event.setdefault("correlation", correlation)
    return event


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        event[key] = HIDDEN if _names_secret(key) and value else redacted(value)
    return event


def _names_secret(key: Any) -> bool:
    return isinstance(key, str) and SECRET_KEY.search(key) is not None


def _hide(match: re.Match[str]) -> str:
    return f"{match['bearer'] or match['user'] or ''}{HIDDEN}"
