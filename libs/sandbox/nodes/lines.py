"""What containers write, by the kind of their image: believable lines, each decided by its seed and its time alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import orjson

T = TypeVar("T")


class Draw:
    """Choices that a seed decides, in the order they are asked for."""

    __slots__ = ("_left",)

    def __init__(self, *seed: object) -> None:
        digest = hashlib.blake2b("\0".join(map(str, seed)).encode(), digest_size=32).digest()
        self._left = int.from_bytes(digest, "big")

    def below(self, bound: int) -> int:
        """A whole number from 0 to one less than the bound."""
        self._left, found = divmod(self._left, bound)
        return found

    def of(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self.below(len(choices))]

    def hexadecimal(self, digits: int) -> str:
        """So many hexadecimal digits."""
        return f"{self.below(16**digits):0{digits}x}"


Write = Callable[[Draw, datetime], str]


@dataclass(frozen=True, slots=True)
class Voice:
    """How a kind of image speaks: when it starts, while it runs, and as it dies."""

    images: tuple[str, ...]
    """What the image's name contains."""
    starting: tuple[str, ...]
    running: Write
    dying: str = "fatal: unrecoverable error, exiting"
    period: float = 3.0
    """Seconds from one line to the next, about."""


_PATHS = (
    "/",
    "/",
    "/index.html",
    "/assets/app.js",
    "/assets/style.css",
    "/api/items",
    "/api/items/17",
    "/healthz",
    "/login",
)
_AGENTS = ("curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0", "kube-probe/1.33", "python-requests/2.32")
_UNCHANGED = 304
_STATUSES = (200, 200, 200, 200, 200, 200, _UNCHANGED, _UNCHANGED, 404, 302, 500)
_WORK = (
    "request served path=/api/orders status=200 took={ms}ms",
    "request served path=/api/items/{id} status=200 took={ms}ms",
    "cache refreshed entries={id} took={ms}ms",
    "order {hex} accepted items={few}",
    "connection pool in use={few} idle={few2}",
    "scheduled cleanup removed={few} rows took={ms}ms",
    "message {hex} consumed topic=orders partition={few}",
)
_TROUBLE = (
    "slow query took={ms}00ms table=orders",
    "retrying upstream attempt={few} error=timeout",
    "queue is growing length={id}",
)


def _filled(template: str, draw: Draw) -> str:
    values = {"ms": 1 + draw.below(90), "id": draw.below(5_000), "few": 1 + draw.below(8), "few2": draw.below(8)}
    return template.format(**values, hex=draw.hexadecimal(8))


def _access(draw: Draw, at: datetime) -> str:
    client = f"10.244.{1 + draw.below(3)}.{2 + draw.below(250)}"
    status, path = draw.of(_STATUSES), draw.of(_PATHS)
    size = 0 if status == _UNCHANGED else 120 + draw.below(9_000)
    first = f'{client} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET {path} HTTP/1.1"'
    return f'{first} {status} {size} "-" "{draw.of(_AGENTS)}" "-"'


def _application(draw: Draw, at: datetime) -> str:
    level = draw.of(("INFO", "INFO", "INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR"))
    text = draw.of(_TROUBLE if level in ("WARN", "ERROR") else _WORK)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z {level} {_filled(text, draw)}"


def _structured(draw: Draw, at: datetime) -> str:
    level = draw.of(("info", "info", "info", "info", "debug", "warn", "error"))
    line = {
        "ts": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
        "level": level,
        "msg": _filled(draw.of(_TROUBLE if level in ("warn", "error") else _WORK), draw),
        "trace": draw.hexadecimal(16),
        "user": f"u{draw.below(900)}",
    }
    return orjson.dumps(line).decode()


def _script(draw: Draw, at: datetime) -> str:
    return f"{at:%H:%M:%S} {draw.of(('read', 'wrote', 'checked', 'merged'))} {1 + draw.below(900)} rows"


def _postgres(draw: Draw, at: datetime) -> str:
    process = 20 + draw.below(60)
    texts = (
        "LOG:  checkpoint starting: time",
        f"LOG:  checkpoint complete: wrote {draw.below(400)} buffers; 0 WAL files added, 1 recycled",
        f"LOG:  duration: {1 + draw.below(900)}.{draw.below(1000):03d} ms  statement: FETCH 90 FROM orders",
        "LOG:  connection received: host=10.244.1.12 port=41822",
        'LOG:  connection authorized: user=app database=app application_name="app"',
        'ERROR:  duplicate key value violates unique constraint "orders_pkey"',
    )
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d} UTC [{process}] {draw.of(texts)}"


def _redis(draw: Draw, at: datetime) -> str:
    texts = (
        f"{1 + draw.below(200)} changes in 300 seconds. Saving...",
        f"Background saving started by pid {20 + draw.below(4000)}",
        "DB saved on disk",
        "Background saving terminated with success",
        f"DB 0: {100 + draw.below(900)} keys ({draw.below(100)} volatile) in 1536 slots HT.",
    )
    return f"1:M {at:%d %b %Y %H:%M:%S}.{at.microsecond // 1000:03d} * {draw.of(texts)}"


def _coredns(draw: Draw, at: datetime) -> str:
    del at
    name = draw.of(
        (
            "db.demo-project.svc.cluster.local.",
            "web.demo-project.svc.cluster.local.",
            "kubernetes.default.svc.cluster.local.",
        )
    )
    return (
        f"[INFO] 10.244.{1 + draw.below(3)}.{2 + draw.below(250)}:{32768 + draw.below(20000)} - {draw.below(65536)}"
        f' "A IN {name} udp {40 + draw.below(30)} false 512" NOERROR qr,aa,rd {90 + draw.below(60)} 0.0004s'
    )


def _collector(draw: Draw, at: datetime) -> str:
    level = draw.of(("info", "info", "info", "debug", "warn"))
    what = draw.of(("batch sent", "batch sent", "buffer flushed", "targets refreshed", "scrape finished"))
    return f'ts={at:%Y-%m-%dT%H:%M:%S}Z level={level} msg="{what}" items={draw.below(500)} duration={draw.below(900)}ms'


_DEAD = '{"level":"fatal","msg":"panic: nil pointer dereference","goroutine":1}'
VOICES: tuple[Voice, ...] = (
    Voice(
        ("nginx", "httpd", "ingress", "caddy"),
        ("/docker-entrypoint.sh: Configuration complete; ready for start up", "start worker processes"),
        _access,
        "worker process exited on signal 11",
    ),
    Voice(
        ("postgres", "mysql", "mariadb"),
        ("LOG:  starting PostgreSQL 16.4", "LOG:  database system is ready to accept connections"),
        _postgres,
        "PANIC:  could not write to file: No space left on device",
        5.0,
    ),
    Voice(
        ("redis", "valkey", "memcached"),
        ("1:C * Configuration loaded", "1:M * Ready to accept connections tcp"),
        _redis,
        "1:M # Out Of Memory allocating 1048576 bytes!",
        6.0,
    ),
    Voice(("-api", "backend"), ('{"level":"info","msg":"listening","port":8080}',), _structured, _DEAD, 4.0),
    Voice(("busybox", "alpine", "bash"), ("begin",), _script, "error: no such table", 1.0),
    Voice(("coredns",), (".:53", "[INFO] plugin/reload: Running configuration"), _coredns, period=10.0),
    Voice(
        ("agent", "fluent", "exporter", "collector", "kube-proxy"),
        ('level=info msg="starting" version=1.0', 'level=info msg="ready"'),
        _collector,
        period=15.0,
    ),
)
_PLAIN = Voice((), ("INFO starting up", "INFO listening on :8080"), _application)


def voice_of(image: str) -> Voice:
    """How this image speaks; as a plain application where nothing better is known."""
    name = image.rsplit("/", 1)[-1].lower()
    return next((voice for voice in VOICES if any(part in name for part in voice.images)), _PLAIN)


def at_time(seconds: float) -> datetime:
    """Unix seconds as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
