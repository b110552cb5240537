"""One service asks another in its own name: signed with its own key, admitted to internal routes alone.

It is `system:service:<name>` in the group `orrery:services`, and can be nobody else: a verifier takes the name from the
key. Everything that is asked on a user's behalf goes through the gateway instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import orjson

from libs.shared import errors
from libs.shared.errors import Broken, Fault, Flaw, Invalid
from libs.shared.event import current_cause
from libs.shared.http.client import Upstreams
from libs.shared.http.identity import HEADER, Identity, Signed, Signer

LARGEST: Final = 16 << 20
LARGEST_REFUSAL: Final = 64 << 10
LONGEST_LINE: Final = 4 << 20
CHUNK: Final = 64 << 10
SECONDS: Final = 30.0
JSON: Final = "application/json"
INTERNAL: Final = "/internal/"
UNSAID: Final = datetime.fromtimestamp(0, UTC)
"""The signer puts the time of signing in its place."""

KINDS: Final[Mapping[int, type[Fault]]] = {
    400: errors.Malformed,
    403: errors.Denied,
    404: errors.Missing,
    409: errors.Conflict,
    410: errors.Gone,
    413: errors.TooLarge,
    415: errors.Unsupported,
    422: errors.Invalid,
    429: errors.Limited,
    503: errors.Busy,
}
"""Any other refusal is `Broken`; 401 as well, since it is our own name that isn't believed."""


class Calls:
    """What a service is handed to ask the others."""

    def __init__(self, signer: Callable[[], Signer], upstreams: Upstreams) -> None:
        """`signer` gives what holds this service's own key and its name; it is asked once, for the first call."""
        self._signer, self._upstreams = cache(signer), upstreams

    async def ask(
        self,
        service: str,
        method: str,
        path: str,
        *,
        json: Any = None,
        query: Mapping[str, Any] | None = None,
        seconds: float = SECONDS,
        largest: int = LARGEST,
    ) -> Any:
        """The answer's JSON, None when there is no body. `path` begins with /internal/.

        Raises what the other service raised, by kind, slug and sentence; `Busy` when it can't be reached, `Broken` when
        it fails, `Missing` when no address is set for it.
        """
        sent = b"" if json is None else orjson.dumps(json)
        async with self._asked(service, method, _target(path, query), sent, seconds) as answer:
            body = await _whole(answer, largest, service)
        try:
            return orjson.loads(body) if body else None
        except ValueError:
            raise Broken("call-nonsense", f"{service} answered what is no JSON") from None

    async def lines(
        self, service: str, path: str, *, query: Mapping[str, Any] | None = None, seconds: float | None = None
    ) -> AsyncGenerator[Any, None]:
        """Each line of an NDJSON answer, such as a snapshot, as it comes. Raises as `ask` does."""
        async with self._asked(service, "GET", _target(path, query), b"", seconds) as answer:
            rest = b""
            async for part in answer.content.iter_any():
                *found, rest = (rest + part).split(b"\n")
                for line in found:
                    if line:
                        yield _read(line, service)
                if len(rest) > LONGEST_LINE:
                    raise Broken("call-nonsense", f"{service} sent a line of more than {LONGEST_LINE} bytes")
            if rest:
                yield _read(rest, service)

    @asynccontextmanager
    async def _asked(
        self, service: str, method: str, target: str, body: bytes, seconds: float | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to a signed request; a refusal is raised."""
        signed = Signed(service, method, target, hashlib.sha256(body).hexdigest())
        who = Identity("", (), UNSAID, request_id=current_cause().correlation)
        headers = {HEADER: self._signer().sign(signed, who)} | ({"Content-Type": JSON} if body else {})
        if parent := current_cause().traceparent:
            headers["traceparent"] = parent
        async with self._upstreams.request(
            service, method, target, headers=headers, data=body or None, seconds=seconds
        ) as answer:
            if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
                raise _fault(answer, await answer.content.read(LARGEST_REFUSAL), service)
            yield answer


def _target(path: str, query: Mapping[str, Any] | None) -> str:
    """The raw target; raises `Invalid` for a path that no internal route has."""
    if not path.startswith(INTERNAL) or not path.isascii() or not path.isprintable() or "?" in path or "#" in path:
        raise Invalid("call-path", f"{path[:200]!r} should be a path below {INTERNAL}, encoded and without a query")
    pairs = [(name, value) for name, value in (query or {}).items() if value is not None]
    return path + (f"?{urlencode(pairs, doseq=True)}" if pairs else "")


async def _whole(answer: aiohttp.ClientResponse, largest: int, service: str) -> bytes:
    parts, size = [], 0
    async for part in answer.content.iter_chunked(CHUNK):
        size += len(part)
        if size > largest:
            raise Broken("call-too-large", f"the answer of {service} is larger than {largest} bytes")
        parts.append(part)
    return b"".join(parts)


def _read(line: bytes, service: str) -> Any:
    try:
        return orjson.loads(line)
    except ValueError:
        raise Broken("call-nonsense", f"{service} sent a line that is no JSON") from None


def _fault(answer: aiohttp.ClientResponse, body: bytes, service: str) -> Fault:
    """What the other service raised, as its problem details tell (`faults.py`)."""
    kind = KINDS.get(answer.status)
    try:
        told = orjson.loads(body)
        slug, text = str(told["slug"]), str(told["detail"])
    except (ValueError, KeyError, TypeError):
        told, slug, text = {}, "call-refused", f"{service} answered {answer.status}"
    if kind is None:
        return Broken("call-failed", f"{service} answered {answer.status}: {text}")
    wait = answer.headers.get("Retry-After", "")
    flaws = told.get("flaws") or ()
    return kind(
        slug,
        text,
        resource=str(told.get("resource", "")),
        name=str(told.get("name", "")),
        flaws=tuple(Flaw(str(flaw.get("field", "")), str(flaw.get("detail", ""))) for flaw in flaws),
        retry_after=float(wait) if wait.isdigit() else 0,
    )
