"""Fetching what a user named, from real servers on several loopback addresses that stand for near and far."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from libs.shared.egress.allow import Allow
from libs.shared.egress.client import Ask, Egress
from libs.shared.errors import Broken, Busy, Denied, Invalid, Missing
from libs.shared.http.tls import certificate, context
from libs.shared.values import SystemClock

FAR, SECRET = "127.0.0.2", "127.0.0.1"
Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """What one server was asked."""

    def __init__(self, port: int) -> None:
        self.port, self.asked = port, list[tuple[str, str, dict[str, str], bytes]]()


@asynccontextmanager
async def serving(
    serve: Serve, address: str = FAR, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Site]:
    site = Site(port)

    async def take(request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        site.asked.append((request.method, request.path_qs, headers, await request.read()))
        return await serve(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, address, port, ssl_context=tls).start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        await runner.cleanup()


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello", headers={"X-From": "far"})


def redirecting(location: Callable[[web.Request], str], status: int = 302) -> Serve:
    async def serve(request: web.Request) -> web.Response:
        if request.path == "/end":
            return web.Response(text="end")
        return web.Response(status=status, headers={"Location": location(request)})

    return serve


def leading_to(location: str) -> Serve:
    return redirecting(lambda _: location)


def egress(*allow: str, names: Mapping[str, Sequence[str]] | None = None) -> Egress:
    """Lets `FAR` pass for what is public; names resolve as given, literals to themselves."""

    async def resolve(host: str) -> Sequence[str]:
        return (names or {}).get(host, [host])

    return Egress(Allow.parsed([FAR, *allow]), resolve)


async def test_an_answer_comes_back_whole() -> None:
    """Status, headers, body, and the URL it came from; the request names us and brings no cookie."""
    async with serving(hello) as site:
        url = f"http://far.example:{site.port}/p?q=1"
        reply = await egress(names={"far.example": [FAR]}).fetch(Ask("POST", url, {"X-Token": "t"}, b"body"))
    assert (reply.status, reply.body, reply.headers["X-From"], reply.url) == (200, b"hello", "far", url)
    method, path, headers, body = site.asked[0]
    assert (method, path, body, headers["x-token"]) == ("POST", "/p?q=1", b"body", "t")
    assert headers["host"] == f"far.example:{site.port}"
    assert headers["user-agent"] == "orrery"


async def test_loopback_is_not_dialled() -> None:
    """By address, by a name for it and by a disguise: the server there is never asked."""
    async with serving(hello, SECRET) as secret:
        names = {"evil.example": [SECRET], "mapped.example": [f"::ffff:{SECRET}"]}
        for host in (SECRET, "evil.example", "mapped.example", f"[::ffff:{SECRET}]"):
            with pytest.raises(Denied):
                await egress(names=names).fetch(Ask("GET", f"http://{host}:{secret.port}/"))
    assert secret.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_loopback_is_refused(status: int) -> None:
    """Each hop is vetted as the first was."""
    async with (
        serving(hello, SECRET) as secret,
        serving(redirecting(lambda _: f"http://{SECRET}:{secret.port}/", status)) as far,
    ):
        with pytest.raises(Denied):
            await egress().fetch(Ask("GET", f"http://{FAR}:{far.port}/"))
    assert len(far.asked) == 1
    assert secret.asked == []


async def test_a_name_that_changes_its_meaning_is_vetted_each_time() -> None:
    """A name is resolved once a hop and that answer is dialled: what it means afterwards is not, and the next hop is
    refused when it means loopback then.
    """
    asked: list[str] = []

    async def rebinding(host: str) -> Sequence[str]:
        asked.append(host)
        return [FAR] if len(asked) == 1 else [SECRET]

    async with serving(redirecting(lambda _: "/again")) as far, serving(hello, SECRET, far.port) as secret:
        with pytest.raises(Denied):
            await Egress(Allow.parsed([FAR]), rebinding).fetch(Ask("GET", f"http://rebind.example:{far.port}/"))
    assert len(asked) == 2
    assert len(far.asked) == 1
    assert secret.asked == []


async def test_redirects_end() -> None:
    """A chain is followed to its end, a loop is cut, and a hop that leads nowhere is an error."""
    async with serving(redirecting(lambda _: "/end")) as far:
        reply = await egress().fetch(Ask("GET", f"http://{FAR}:{far.port}/"))
        assert (reply.body, reply.url) == (b"end", f"http://{FAR}:{far.port}/end")
    async with serving(redirecting(lambda r: r.path + "x")) as far:
        with pytest.raises(Broken, match="more than 5 redirects"):
            await egress().fetch(Ask("GET", f"http://{FAR}:{far.port}/"))
        assert len(far.asked) == 6
    for nowhere in ("file:///etc/passwd", "http://u:p@far.example/", "http://a\\@b/"):
        async with serving(leading_to(nowhere)) as far:
            with pytest.raises(Broken, match="can't be followed"):
                await egress().fetch(Ask("GET", f"http://{FAR}:{far.port}/"))


async def test_credentials_stay_with_their_host() -> None:
    """On to another origin go no Authorization, cookie or header of one's own; on the same one they do."""
    secrets = {"Authorization": "Bearer t", "Cookie": "c=1", "X-Api-Key": "k", "Accept": "text/plain"}
    async with serving(hello) as other:
        async with serving(redirecting(lambda _: f"http://{FAR}:{other.port}/")) as far:
            await egress().fetch(Ask("GET", f"http://{FAR}:{far.port}/", secrets))
        assert {"authorization", "cookie", "x-api-key"}.isdisjoint(other.asked[0][2])
        assert other.asked[0][2]["accept"] == "text/plain"
    async with serving(redirecting(lambda _: "/end")) as far:
        await egress().fetch(Ask("GET", f"http://{FAR}:{far.port}/", secrets))
        assert far.asked[1][2]["authorization"] == "Bearer t"


async def test_what_becomes_of_a_body_on_redirect() -> None:
    """303 and 302 turn a POST into a GET without it, 307 sends it again, and to another origin it never goes."""
    for status, method, body in ((302, "GET", b""), (303, "GET", b""), (307, "POST", b"b"), (308, "POST", b"b")):
        async with serving(redirecting(lambda _: "/end", status)) as far:
            await egress().fetch(Ask("POST", f"http://{FAR}:{far.port}/", {"Content-Type": "a/b"}, b"b"))
            assert (far.asked[1][0], far.asked[1][3], "content-type" in far.asked[1][2]) == (method, body, bool(body))
    async with serving(hello) as other, serving(redirecting(lambda _: f"http://{FAR}:{other.port}/", 307)) as far:
        with pytest.raises(Broken, match="a body to another host"):
            await egress().fetch(Ask("POST", f"http://{FAR}:{far.port}/", body=b"b"))
        assert other.asked == []


async def test_a_huge_body_is_cut() -> None:
    """Said beforehand, streamed without end, or packed small: no more than the bound is read."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(10_000):
            await response.write(b"x" * 65_536)
        return response

    async def packed(request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(bytes(50 << 20)), headers={"Content-Encoding": "gzip"})

    async def told(request: web.Request) -> web.Response:
        return web.Response(body=bytes(2 << 20))

    for serve in (endless, packed, told):
        async with serving(serve) as far:
            with pytest.raises(Broken, match="larger than 1048576 bytes"):
                await egress().fetch(Ask("GET", f"http://{FAR}:{far.port}/"))


async def test_a_slow_answer_is_cut() -> None:
    """A body that drips, and headers that never come, end at the deadline of the whole."""

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.01)

    async def mute(request: web.Request) -> web.Response:
        await asyncio.sleep(1)
        return web.Response()

    for serve in (drip, mute):
        async with serving(serve) as far:
            with pytest.raises(Busy, match=r"within 0\.2 s"):
                await egress().fetch(Ask("GET", f"http://{FAR}:{far.port}/", seconds=0.2))


async def test_other_protocols_ports_are_not_asked() -> None:
    """Port 25 and its like are refused for HTTP unless the operator names host and port."""
    for port in (0, 22, 25, 6667):
        with pytest.raises(Denied, match="another protocol's"):
            await egress().fetch(Ask("GET", f"http://{FAR}:{port}/"))
    with pytest.raises(Busy):  # passes, and nobody listens there
        await egress(f"{FAR}:6667").fetch(Ask("GET", f"http://{FAR}:6667/"))


async def test_an_operators_port_is_that_port_alone() -> None:
    """host:port admits one port of a private host, and no other."""
    async with serving(hello, SECRET) as near, serving(hello, SECRET) as beside:
        fetching = egress(f"near.example:{near.port}", names={"near.example": [SECRET]})
        assert (await fetching.fetch(Ask("GET", f"http://near.example:{near.port}/"))).status == 200
        with pytest.raises(Denied):
            await fetching.fetch(Ask("GET", f"http://near.example:{beside.port}/"))


async def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would dial for us what we would not."""
    async with serving(hello) as far, serving(hello, SECRET) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{SECRET}:{proxy.port}")
        await egress().fetch(Ask("GET", f"http://{FAR}:{far.port}/"))
    assert proxy.asked == []


async def test_what_may_not_be_sent() -> None:
    """Methods that tunnel, headers that frame, line breaks in a header."""
    for ask in (
        Ask("CONNECT", f"http://{FAR}/"),
        Ask("GET", f"http://{FAR}/", {"Host": "inside"}),
        Ask("GET", f"http://{FAR}/", {"Transfer-Encoding": "chunked"}),
    ):
        with pytest.raises(Invalid):
            await egress().fetch(ask)
    async with serving(hello) as far:
        with pytest.raises(Invalid):
            await egress().fetch(Ask("GET", f"http://{FAR}:{far.port}/", {"X-A": "a\r\nX-B: b"}))


async def test_nobody_there_and_no_http() -> None:
    """Each in its own words: an unknown name, a closed port, a server that speaks something else."""

    async def unknown(host: str) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(Missing, match="is not known"):
        await Egress(Allow(), unknown).fetch(Ask("GET", "http://nowhere.example/"))

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, FAR, 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(Broken, match="no HTTP"):
            await egress().fetch(Ask("GET", f"http://{FAR}:{port}/"))
    with pytest.raises(Busy, match="does not answer"):
        await egress().fetch(Ask("GET", f"http://{FAR}:{port}/"))


async def test_tls_is_verified_against_the_name(tmp_path: Path) -> None:
    """The address is dialled, the name is verified; another name, an unknown CA and a way down to http are refused."""
    made = certificate(tmp_path, ["far.example"], SystemClock())
    trusting = ssl.create_default_context(cafile=made.ca)
    fetching = egress(names={"far.example": [FAR], "other.example": [FAR]})
    async with serving(redirecting(lambda _: "http://far.example/"), tls=context(made)) as far:
        good = Ask("GET", f"https://far.example:{far.port}/end", tls=trusting)
        assert (await fetching.fetch(good)).body == b"end"
        for host, tls in (("other.example", trusting), ("far.example", None)):
            with pytest.raises(Broken, match="not trusted"):
                await fetching.fetch(Ask("GET", f"https://{host}:{far.port}/end", tls=tls))
        with pytest.raises(Broken, match="from https to http"):
            await fetching.fetch(Ask("GET", f"https://far.example:{far.port}/", tls=trusting))


async def test_other_protocols_dial_what_was_vetted() -> None:
    """A plain connection for SMTP and the like goes to the vetted address, or nowhere."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, FAR, 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        reader, writer = await egress(names={"mail.example": [FAR]}).connect("Mail.Example.", port)
        assert await reader.readline() == b"220 ready\r\n"
        writer.close()
        with pytest.raises(Denied):
            await egress(names={"mail.example": [SECRET]}).connect("mail.example", port)
    with pytest.raises(Busy):
        await egress().connect(FAR, port)
