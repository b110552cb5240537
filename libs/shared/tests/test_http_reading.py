"""What is read of a body, strictly and leniently, by a server with one route of each kind."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from libs.shared.http import reading
from libs.shared.http.route import Route
from libs.shared.tests.http_stage import Stage, stage

LENIENT, STRICT, FORM = "/kapis/iam.kubesphere.io/v1alpha2/users", "/kapis/x.orrery.io/v1/x", "/oauth/token"
JSON = "application/json"


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    size: float = 0


async def lenient(request: web.Request, parts: Any) -> web.Response:
    return web.json_response(await reading.lenient_object(request))


async def strict(request: web.Request, parts: Any) -> web.Response:
    return web.json_response((await reading.strict(request, Wish)).model_dump())


async def form(request: web.Request, parts: Any) -> web.Response:
    return web.json_response(await reading.form(request))


ROUTES = (
    Route("POST", LENIENT, lenient, max_body=100_000),
    Route("POST", STRICT, strict),
    Route("POST", FORM, form),
)


async def ask(at: Stage, path: str, body: bytes, media: str | None = JSON) -> tuple[int, str]:
    status, _, said = await at.ask("POST", path, body, headers={} if media is None else {"Content-Type": media})
    return status, said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "EOF"),
        (b"  \n", "EOF"),
        (b"{oops", "invalid character 'o' looking for beginning of object key string"),
        (b"oops", "invalid character 'o' looking for beginning of value"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        (b'{"a":1} x', "invalid character 'x' after top-level value"),
        (b'{"a":', "unexpected EOF"),
        (b'{"a":"b', "unexpected EOF"),
        (b'{"a":-Infinity}', "invalid character 'I' looking for beginning of value"),
        (b'{"a":NaN}', "invalid character 'N' looking for beginning of value"),
        (b'{"a":1,"zzz":{},"a":2}', 'json: duplicate field "a"'),
        (b'{"a":[{"b":{"c":1,"\\u0063":1}}]}', 'json: duplicate field "c"'),
        (b"[]", "json: cannot unmarshal array into Go value of type object"),
        (b'"x"', "json: cannot unmarshal string into Go value of type object"),
        (b"7", "json: cannot unmarshal number into Go value of type object"),
    ],
)
async def test_kubespheres_routes_say_what_go_says(body: bytes, said: str) -> None:
    """Recorded texts and others of Go's decoder, 400 each."""
    async with stage(ROUTES) as at:
        assert await ask(at, LENIENT, body) == (400, said + "\n")


async def test_kubespheres_routes_take_what_clients_send() -> None:
    """Unknown fields pass, patches' media types too; an unknown one has its text."""
    async with stage(ROUTES) as at:
        assert await ask(at, LENIENT, b'{"a":1,"zzz":{}}') == (200, '{"a": 1, "zzz": {}}')
        assert (await ask(at, LENIENT, b"{}", "application/merge-patch+json; charset=utf-8"))[0] == 200
        for media in ("text/weird", None):
            said = f"[ServiceError:400] Unable to unmarshal content of type:{media or 'application/octet-stream'}\n"
            status, text = await ask(at, LENIENT, b"{}", media)
            assert status == 400
            assert media is None or text == said


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"name":"a"}', 200),
        (b'{"name":"a","size":1e3}', 200),
        (b'{"name":"a","other":1}', 422),
        (b'{"name":"a","name":"a"}', 400),
        (b'{"name":7}', 422),
        (b"{}", 422),
        (b"[]", 422),
        (b"", 400),
        (b'{"name":"\xff"}', 400),
        (b'{"name":"\\ud800"}', 400),
        (b'\xef\xbb\xbf{"name":"a"}', 400),
        (b'{"name":"a","size":NaN}', 400),
        (b'{"name":"a","size":Infinity}', 400),
        (b'{"name":"a",}', 400),
        (b"{'name':'a'}", 400),
        (b'{"name":"a"}{}', 400),
        (b"[" * 200 + b"]" * 200, 400),
        (b"[" * 100_000, 400),
    ],
)
async def test_our_own_routes_are_strict(body: bytes, status: int) -> None:
    """What two readers could read in two ways, and what nobody asked for, is refused in problem details."""
    async with stage(ROUTES) as at:
        answered, kind, _ = await at.ask("POST", STRICT, body, headers={"Content-Type": JSON})
        assert answered == status
        assert status == 200 or kind == "application/problem+json"


async def test_a_refusal_names_what_is_accepted_and_repeats_nothing() -> None:
    """The field, the rule and the media type are named; the value, which may be a password, isn't."""
    async with stage(ROUTES) as at:
        _, said = await ask(at, STRICT, b'{"name":["hunter2"],"pass":"hunter2"}')
        assert '"field":"name"' in said
        assert '"field":"pass"' in said
        assert "hunter2" not in said
        assert "application/json" in (await ask(at, STRICT, b"{}", "text/plain"))[1]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"grant_type=password&username=a%26b&password=%C3%A4+x&empty=", 200, '"username": "a&b"'),
        (b"a=1&a=2", 200, '{"a": "1"}'),
        (b"a=%ff", 200, "a"),
        (b"&".join(b"k%d=v" % n for n in range(200)), 400, "invalid_request"),
        (b"a=\xff", 400, "invalid_request"),
    ],
)
async def test_forms(body: bytes, status: int, said: str) -> None:
    """Decoded, the first of a repeated field; too many fields and other encodings are refused in OAuth's dialect."""
    async with stage(ROUTES) as at:
        answered, text = await ask(at, FORM, body, "application/x-www-form-urlencoded")
        assert answered == status
        assert said in text


async def test_a_form_route_takes_nothing_else() -> None:
    """JSON at /oauth/token is 415 in the router's text, as recorded."""
    async with stage(ROUTES) as at:
        assert await ask(at, FORM, b"{}") == (415, "415: Unsupported Media Type")


async def test_size_is_bounded_however_it_is_sent() -> None:
    """Declared or in chunks, a body over the route's bound is 413; compressed ones are refused."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 10_000

    async with stage(ROUTES) as at:
        assert (await ask(at, LENIENT, b" " * 100_001))[0] == 413
        assert (await ask(at, STRICT, b" " * (1 << 20)))[0] == 400
        headers = at.headers("POST", STRICT) | {"Content-Type": JSON}
        async with at.session.post(STRICT, data=io.BytesIO(b" " * 10_000_000), headers=headers) as answer:
            assert answer.status == 413
        headers = at.headers("POST", LENIENT) | {"Content-Type": JSON}
        async with at.session.post(LENIENT, data=chunks(), headers=headers) as answer:
            assert answer.status == 413
        status, _, _ = await at.ask("POST", STRICT, b"{}", headers={"Content-Type": JSON, "Content-Encoding": "gzip"})
        assert status == 415


@given(st.binary(max_size=300))
def test_no_bytes_upset_the_words(raw: bytes) -> None:
    """Whatever a body holds, there is a sentence for it."""
    assert reading.go_words(raw)
