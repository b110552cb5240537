"""Another source of series: a Prometheus that the operator named, asked over its own API."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import orjson
from yarl import URL

from libs.shared.errors import Broken, Busy, Invalid
from services.monitoring.domain.answer import Answer, Row, seconds
from services.monitoring.domain.labels import Labels, labels_of
from services.monitoring.domain.moment import Moments
from services.monitoring.settings import MonitoringSettings

LARGEST = 64 << 20
CONNECTIONS = 16
PREFIX = "prometheus+"


class Prometheus:
    """Only asked: what it holds is its own business, recording rules included."""

    def __init__(self, address: str, settings: MonitoringSettings) -> None:
        """`address` is `prometheus+http(s)://[name:password@]host[:port][/path]`; raises `Invalid`."""
        try:
            url = URL(address.removeprefix(PREFIX))
        except ValueError:
            url = URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise Invalid("metrics-address", "ORRERY_METRICS is to be embedded: or prometheus+http(s)://HOST[:PORT]")
        self._headers = {"Authorization": _login(url)} if url.user else {}
        self._base = url.with_user(None)
        self._seconds = settings.query_seconds
        self._session: aiohttp.ClientSession | None = None

    async def query(self, expressions: Mapping[str, str], when: Moments) -> dict[str, Answer]:
        """As `Metrics` says; what Prometheus refuses is told in its own words."""
        answers = await asyncio.gather(*(self._answer(text, when) for text in expressions.values()))
        return dict(zip(expressions, answers, strict=True))

    async def _answer(self, text: str, when: Moments) -> Answer:
        form: dict[str, str | list[str]] = {"query": text}
        if when.ranged:
            form |= {"start": str(seconds(when.start)), "end": str(seconds(when.end)), "step": str(seconds(when.step))}
        else:
            form["time"] = str(seconds(when.end))
        try:
            said = await self._asked("query_range" if when.ranged else "query", form)
        except (Busy, Broken, Invalid) as fault:
            return Answer(error=fault.text)
        return _answer(said)

    async def series(self, selectors: Sequence[str], start: int, end: int) -> list[Labels]:
        """As `Metrics` says."""
        form: dict[str, str | list[str]] = {
            "match[]": list(selectors) or ['{__name__!=""}'],
            "start": str(seconds(start)),
            "end": str(seconds(end)),
        }
        said = await self._asked("series", form)
        return sorted(labels_of(one) for one in said if isinstance(one, dict))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _asked(self, what: str, form: Mapping[str, str | list[str]]) -> Any:
        """The `data` of an answer; raises `Invalid` for what Prometheus refuses, `Busy`, `Broken`."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS), headers=self._headers, trust_env=False
            )
        fields = [(k, one) for k, value in form.items() for one in (value if isinstance(value, list) else [value])]
        timeout = aiohttp.ClientTimeout(total=self._seconds)
        url = self._base / "api/v1" / what
        try:
            async with self._session.post(url, data=fields, timeout=timeout, allow_redirects=False) as reply:
                raw = await _bounded(reply)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Busy("metrics-unreachable", "the Prometheus that ORRERY_METRICS names does not answer") from error
        return _data(raw)


def _login(url: URL) -> str:
    return "Basic " + b64encode(f"{url.user}:{url.password or ''}".encode()).decode()


async def _bounded(reply: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in reply.content.iter_chunked(64 << 10):
        size += len(part)
        if size > LARGEST:
            raise Broken("metrics-nonsense", f"Prometheus answered more than {LARGEST} bytes")
        parts.append(part)
    return b"".join(parts)


def _data(raw: bytes) -> Any:
    try:
        said = orjson.loads(raw)
        status = said["status"]
        if status == "success":
            return said["data"]
        kind, text = str(said["errorType"]), str(said["error"])
    except (ValueError, KeyError, TypeError) as error:
        raise Broken("metrics-nonsense", "Prometheus answered what is none of its API") from error
    raise Invalid("metrics-refused", f"{kind}: {text}")


def _answer(said: Any) -> Answer:
    try:
        kind, result = str(said["resultType"]), said["result"]
        if kind in ("scalar", "string"):
            return Answer(kind, (Row({}, (_point(result),)),))
        points = "value" if kind == "vector" else "values"
        rows = tuple(
            Row(dict(one["metric"]), tuple(map(_point, [one[points]] if kind == "vector" else one[points])))
            for one in result
        )
    except (KeyError, TypeError, ValueError):
        return Answer(error="internal: Prometheus answered what is none of its API")
    return Answer(kind, rows)


def _point(pair: Any) -> tuple[float, str]:
    at, value = pair
    return at, str(value)
