"""WebSockets to a cluster: bridged in the caller's name alone, and cut with the right to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from libs.shared.contracts import accounts_v1 as accounts
from services.gateway.tests.conftest import Stage, staged

EXEC = "/api/v1/namespaces/kube-system/pods/web/exec?command=sh"
BEARING = "base64url.bearer.authorization.k8s.io.c2VjcmV0"
"""How browsers tell a cluster who they are."""


@dataclass
class Cluster:
    """An API server that has shells alone, and keeps who asked for one."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def exec(self, request: web.Request) -> web.StreamResponse:
        """Echo what comes; one pod is not there."""
        self.asked.append({name.lower(): request.headers.getall(name) for name in request.headers})
        if request.match_info["pod"] == "none":
            return web.json_response({"kind": "Status", "message": "no such pod"}, status=404)
        socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[tuple[Cluster, str]]:
    """It, and its address as a setting."""
    made, app = Cluster(), web.Application()
    app.router.add_get("/api/v1/namespaces/{namespace}/pods/{pod}/exec", made.exec)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    entries = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://{host}:{port}"}}],
        "users": [{"name": "u", "user": {"token": "of-the-gateway"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "x", **entries}))
    try:
        yield made, f"kubeconfig:{path}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def stood(folder: Path) -> AsyncIterator[tuple[Stage, Cluster]]:
    """A gateway before this cluster."""
    async with cluster(folder) as (made, address), staged(cluster=address) as stage:
        yield stage, made


async def test_a_shell_is_bridged_in_the_callers_name(tmp_path: Path) -> None:
    """Bytes go both ways; the cluster hears who it is, from us alone."""
    async with stood(tmp_path) as (stage, made):
        hostile = {"X-Remote-User": "root", "Cookie": "a=b"}
        headers = {**stage.headers("admin"), **hostile}
        async with stage.client.ws_connect(EXEC, headers=headers, protocols=("v5.channel.k8s.io", BEARING)) as socket:
            assert socket.protocol == "v5.channel.k8s.io"
            await socket.send_bytes(b"\x00ls\n")
            assert (await socket.receive()).data == b"\x00ls\n"
        (asked,) = made.asked
        assert asked["authorization"] == ["Bearer of-the-gateway"]
        assert (asked["impersonate-user"], asked["impersonate-group"]) == (
            ["admin"],
            ["system:authenticated", "orrery:decided"],
        )
        assert asked["sec-websocket-protocol"] == ["v5.channel.k8s.io"]
        assert "x-remote-user" not in asked


NONE = EXEC.replace("web", "none")


@pytest.mark.parametrize(("user", "path", "status"), [("", EXEC, 503), ("adm", EXEC, 503), ("admin", NONE, 404)])
async def test_a_refusal_is_no_upgrade(tmp_path: Path, user: str, path: str, status: int) -> None:
    """The cluster's own; and ours, before it is asked: nobody tells here who may what in its namespaces."""
    async with stood(tmp_path) as (stage, made):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await stage.client.ws_connect(path, headers=stage.headers(user))
        assert refused.value.status == status
        assert bool(made.asked) is (status == 404)


async def test_a_shell_is_cut_with_the_right_to_it(tmp_path: Path) -> None:
    """The account is closed while it is open: the socket is, by the code for what is no longer allowed."""
    async with (
        stood(tmp_path) as (stage, _made),
        stage.client.ws_connect(EXEC, headers=stage.headers("admin")) as socket,
    ):
        await stage.accounts.tell(accounts.UserDisabled(user="admin"))
        message = await asyncio.wait_for(socket.receive(), 5)
        assert (message.type, socket.close_code) == (WSMsgType.CLOSE, 1008)


async def test_a_cluster_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    """503, for a shell as for anything else."""
    async with stood(tmp_path) as (stage, _made):
        pass
    async with cluster(tmp_path) as (_, address):
        pass
    async with staged(cluster=address) as stage:
        for path in (EXEC, "/api/v1/nodes"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await stage.client.ws_connect(path, headers=stage.headers("admin"))
            assert refused.value.status == 503
