"""A git repository that is served over HTTP by git itself, with a user and a password where wanted."""

from __future__ import annotations

import asyncio
import base64
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

SIGNED = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
    "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent",
}  # fmt: skip


def git(folder: Path, *words: str) -> None:
    """Run it."""
    subprocess.run(("git", *words), cwd=folder, check=True, capture_output=True, env=SIGNED)  # noqa: S603, S607  # git of this machine, and our own words


def filled(folder: Path, files: dict[str, str]) -> Path:
    """A repository whose branch main holds these files, and whose branch other holds a word more."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for name, text in files.items():
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    git(folder, "checkout", "-q", "-b", "feature/other")
    (folder / "more").write_text("other\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "second")
    return folder


@asynccontextmanager
async def served(folder: Path, login: str = "") -> AsyncIterator[str]:
    """Its URL. `login`: `user:password`."""
    wanted = "Basic " + base64.b64encode(login.encode()).decode()

    async def answer(request: web.Request) -> web.Response:
        if login and request.headers.get("Authorization") != wanted:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        if request.path.startswith("/away/"):
            return web.Response(status=302, headers={"Location": str(request.url.with_path("/repo/info/refs"))})
        child = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={
                **SIGNED,
                "GIT_PROJECT_ROOT": str(folder.parent),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": request.path,
                "QUERY_STRING": request.query_string,
                "REQUEST_METHOD": request.method,
                "CONTENT_TYPE": request.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            },
        )
        out, _ = await child.communicate(await request.read())
        head, _, body = out.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(headers.pop("Status", "200").split(" ")[0])
        return web.Response(status=status, body=body, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/repo"))
