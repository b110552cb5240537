"""Repositories of charts over guarded egress: their index, and packages of charts. HTTP alone; helm's own rules."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from libs.shared.egress.client import Ask, Egress, Reply
from libs.shared.errors import Broken, Fault, Invalid
from services.openpitrix.clients.yamls import read_index
from services.openpitrix.domain.access import Login
from services.openpitrix.domain.chart import Entry, read
from services.openpitrix.settings import OpenpitrixSettings

INDEX: Final = "index.yaml"
MOST_URLS: Final = 5


@dataclass(frozen=True, slots=True)
class Shelf:
    """An index as it was read: charts with their versions; how many entries were left out as they are no charts."""

    charts: Mapping[str, Sequence[Entry]]
    skipped: int = 0


class Charts:
    """Asks repositories."""

    def __init__(self, egress: Egress, settings: OpenpitrixSettings) -> None:
        self._egress, self._settings = egress, settings

    async def index(self, url: str, login: Login | None) -> Shelf:
        """The index of the repository at this address. Raises `Invalid` for one that is none, and what egress raises:
        `Denied`, `Missing`, `Busy`, `Broken`.
        """
        settings = self._settings
        where = f"{url.rstrip('/')}/{INDEX}"
        body = await self._fetched(where, login, settings.index_seconds, settings.index_bytes)
        said = await read_index(body, seconds=settings.index_seconds, most=settings.index_versions)
        return await asyncio.to_thread(_shelf, said)

    async def package(self, url: str, login: Login | None, urls: Sequence[str], digest: str) -> bytes:
        """The archive of a chart version, from the first of its addresses; relative ones are below the repository's.

        Raises as `index`; `Broken` when it isn't the one that the index names by its digest.
        """
        if not urls:
            raise Invalid("no-url", "the index of the repository names no address for this version")
        where = urljoin(f"{url.rstrip('/')}/", urls[0])
        login = login if _origin(where) == _origin(url) else None
        settings = self._settings
        body = await self._fetched(where, login, settings.chart_seconds, settings.chart_bytes)
        wanted = digest.removeprefix("sha256:").lower()
        if wanted and hashlib.sha256(body).hexdigest() != wanted:
            raise Broken(
                "digest", f"{where} is not what the index names", public=f"{where} is not what the index names"
            )
        return body

    async def _fetched(self, where: str, login: Login | None, seconds: float, largest: int) -> bytes:
        headers = {"Authorization": _basic(login)} if login else {}
        try:
            reply = await self._egress.fetch(Ask("GET", where, headers, seconds=seconds, largest=largest))
        except Broken as fault:
            text = f"failed to fetch {where} : {fault.text}"
            raise Broken(fault.slug, text, public=text) from fault
        return _good(reply, where)


def _good(reply: Reply, where: str) -> bytes:
    if reply.status != HTTPStatus.OK:
        text = f"failed to fetch {where} : {reply.status} {_phrase(reply.status)}"
        raise Broken("repository-refuses", text, public=text)
    return reply.body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _basic(login: Login) -> str:
    pair = f"{login.user}:{login.password.reveal()}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _shelf(said: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> Shelf:
    charts: dict[str, list[Entry]] = {}
    skipped = 0
    for name, versions in said:
        known: set[str] = set()
        for one in versions:
            entry = _entry(name, one)
            if entry is None or entry.chart.version in known:
                skipped += 1
                continue
            known.add(entry.chart.version)
            charts.setdefault(entry.chart.name, []).append(entry)
    return Shelf(charts, skipped)


def _entry(name: str, said: Mapping[str, Any]) -> Entry | None:
    """The entry; None for one that Helm would leave out as well: no version, or another chart's name."""
    try:
        chart = read({**said, "deprecated": said.get("deprecated") == "true"})
    except Fault:
        return None
    if chart.name != name:
        return None
    urls = said.get("urls")
    kept = tuple(url for url in urls[:MOST_URLS] if isinstance(url, str)) if isinstance(urls, list) else ()
    return Entry(chart, kept, _text(said.get("digest")), _text(said.get("created")))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
