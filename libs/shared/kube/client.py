"""The client that services are handed: paths and raw JSON in, raw JSON out."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp
import orjson

from libs.shared.errors import Broken, Invalid
from libs.shared.kube.connection import Source, child_kubeconfig
from libs.shared.kube.errors import fault_of
from libs.shared.kube.watch import IDLE, Change, Watch, typed
from libs.shared.kube.wire import SECONDS, Ask, Wire, lines, whole, with_headers
from libs.shared.values import Clock

JSON: Final = "application/json"
PATCHES: Final[Mapping[str, str]] = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
APPLY: Final = "application/apply-patch+yaml"
LONGEST_LOG_LINE: Final = 256 << 10
LARGEST_REFUSAL: Final = 1 << 20
_UNCLEAN: Final = re.compile(r"(^|/)\.{1,2}(/|$)|[\x00-\x1f\x7f?#\\]|//")
_AS_IS: Final = "/:@!$&'()*+,;=~"


class Kube:
    """One API server. It opens nothing until it is used, and may be shared."""

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        *,
        chance: Callable[[], float] = random.random,
        acting: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """`acting` are the headers of whom it acts for; `chance` spreads what many would do at once."""
        self._wire, self._clock, self._chance, self._acting = wire, clock, chance, acting

    @classmethod
    def at(cls, source: Source, clock: Clock) -> Kube:
        """A client of its own connections."""
        return cls(Wire(source), clock)

    def as_user(self, user: str, groups: Sequence[str] = ()) -> Kube:
        """The same server, acting for this user with these groups. Raises `Invalid` for names that no header holds."""
        acting = (("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups))
        if not user or any(_unfit(value) for _, value in acting):
            raise Invalid("cluster-user", "a user or group can't be named to the cluster")
        return Kube(self._wire, self._clock, chance=self._chance, acting=acting)

    async def get(self, path: str, /, **query: Any) -> dict[str, Any]:
        """One object, or one page of a list. `path` is written plainly and encoded here; of the query, None is left
        out. Raises from the error tree.
        """
        return await self._json(Ask("GET", target(path, query), (("Accept", JSON),)))

    async def create(self, path: str, body: Mapping[str, Any], /, **query: Any) -> dict[str, Any]:
        """The object as it was made; raises `Exists` when one of its name stands."""
        return await self._json(_writing("POST", target(path, query), body, JSON))

    async def replace(self, path: str, body: Mapping[str, Any], /, **query: Any) -> dict[str, Any]:
        """The object as it is now; raises `Stale` when it was changed since it was read."""
        return await self._json(_writing("PUT", target(path, query), body, JSON))

    async def patch(self, path: str, body: Any, /, kind: str = "merge", **query: Any) -> dict[str, Any]:
        """`kind` is merge, json or strategic (built-in kinds alone know the last)."""
        return await self._json(_writing("PATCH", target(path, query), body, PATCHES[kind]))

    async def apply(
        self, path: str, body: Mapping[str, Any], /, manager: str, *, force: bool = False, **query: Any
    ) -> dict[str, Any]:
        """Server-side apply: made when absent. Raises `Conflict` when another manager owns a field, unless forced."""
        query |= {"fieldManager": manager, "force": force or None}
        return await self._json(_writing("PATCH", target(path, query), body, APPLY))

    async def delete(self, path: str, /, body: Mapping[str, Any] | None = None, **query: Any) -> dict[str, Any]:
        """The object that is going, or a Status; `body` are DeleteOptions."""
        if body is None:
            return await self._json(Ask("DELETE", target(path, query), (("Accept", JSON),)))
        return await self._json(_writing("DELETE", target(path, query), body, JSON))

    async def pages(self, path: str, /, limit: int = 500, **query: Any) -> AsyncGenerator[dict[str, Any], None]:
        """Every item of a list, page by page; each says its kind. Raises `Gone` when the list's version is forgotten
        between two pages: begin anew.
        """
        token = None
        while True:
            page = await self.get(path, **{**query, "limit": limit, "continue": token})
            for item in page.get("items") or ():
                typed(item, page)
                yield item
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return

    async def watch(self, path: str, /, *, idle: float = IDLE, **query: Any) -> AsyncGenerator[Change, None]:
        """What stands (ADDED), SYNCED, then each change, for ever: through restarts, silence and forgotten versions.

        Waits while the server can't be reached; raises `Denied`, `Missing` and `Invalid`.
        """
        watch = Watch(self, path, query, clock=self._clock, chance=self._chance, idle=idle)
        async with aclosing(watch.changes()) as changes:
            async for change in changes:
                yield change

    async def lines(self, path: str, /, **query: Any) -> AsyncGenerator[bytes, None]:
        """Lines as they come, such as a pod's log with `follow=True`; a very long one comes in pieces. Ends when the
        server ends it, raises `Busy` when it breaks off.
        """
        ask = Ask("GET", target(path, query), seconds=None, head=None)
        async with self._answered(ask) as answer, aclosing(lines(answer, LONGEST_LOG_LINE, cut=True)) as found:
            async for line in found:
                yield line

    async def text(self, path: str, /, **query: Any) -> str:
        """A whole answer as text, such as a node's metrics by proxy."""
        async with self._answered(Ask("GET", target(path, query))) as answer:
            return (await whole(answer)).decode(errors="replace")

    async def ready(self) -> None:
        """Return when the server says that it can do its work; raises `Busy` or `Broken`."""
        await self.text("/readyz")

    async def kubeconfig(self) -> dict[str, Any]:
        """The connection as a kubeconfig, for child processes; it holds the credentials."""
        user, *groups = [value for _, value in self._acting] or [""]
        return await child_kubeconfig(await self._wire.source.current(), user, tuple(groups))

    async def close(self) -> None:
        """Close the connections, of everyone who shares them."""
        await self._wire.close()

    @asynccontextmanager
    async def forwarded(self, ask: Ask) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to a request that is passed on as it is, whatever its status."""
        async with self._wire.asked(with_headers(ask, self._acting)) as answer:
            yield answer

    @asynccontextmanager
    async def socket(self, ask: Ask, protocols: tuple[str, ...]) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket, such as to a shell in a pod; raises as `get` does when it is refused."""
        async with self._wire.socket(with_headers(ask, self._acting), protocols) as socket:
            yield socket

    @asynccontextmanager
    async def streamed(self, path: str, query: Mapping[str, Any], /) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that lasts; raises as `get` does when it is a refusal."""
        async with self._answered(Ask("GET", target(path, query), (("Accept", JSON),), seconds=None)) as answer:
            yield answer

    @asynccontextmanager
    async def _answered(self, ask: Ask) -> AsyncIterator[aiohttp.ClientResponse]:
        async with self.forwarded(ask) as answer:
            if answer.status >= HTTPStatus.BAD_REQUEST:
                body = (await answer.content.read(LARGEST_REFUSAL)) if ask.lasting else await whole(answer)
                raise fault_of(answer.status, body, answer.headers.get("Retry-After", ""))
            yield answer

    async def _json(self, ask: Ask) -> dict[str, Any]:
        async with self._answered(ask) as answer:
            body = await whole(answer)
        try:
            found = orjson.loads(body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Broken("cluster-nonsense", "the cluster answered what is no JSON object")
        return found


def target(path: str, query: Mapping[str, Any]) -> str:
    """The raw target; raises `Invalid` for a path that would be read otherwise than it was written."""
    if not path.startswith("/") or _UNCLEAN.search(path):
        raise Invalid("cluster-path", f"{path[:200]!r} is no path of the cluster")
    pairs = [(name, _text(one)) for name, value in query.items() for one in _many(value) if one is not None]
    return quote(path, safe=_AS_IS) + (f"?{urlencode(pairs)}" if pairs else "")


def _many(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _text(value: Any) -> str:
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def _unfit(value: str) -> bool:
    return not value.isprintable() or not value.isascii()


def _writing(method: str, where: str, body: Any, media: str) -> Ask:
    return Ask(method, where, (("Accept", JSON), ("Content-Type", media)), orjson.dumps(body), SECONDS)
