"""Small charts and repositories of them, made for tests."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

SERVED = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: {app: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {app: {{ .Release.Name }}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
    spec:
      containers:
        - name: main
          image: "nginx:{{ .Values.tag }}"
"""
NOTED = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-note
data:
  note: {{ .Values.note | default "none" | quote }}
"""


def archive(files: Mapping[str, str | bytes], *, links: Mapping[str, str] | None = None) -> bytes:
    """A .tgz of these files, and symbolic links."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return gzip.compress(raw.getvalue(), mtime=0)


def meta(name: str, version: str = "1.0.0", **more: object) -> dict[str, Any]:
    """Chart.yaml as a mapping."""
    said = {"apiVersion": "v2", "name": name, "version": version, "description": f"The chart {name}"}
    return {**said, **more}


def chart(
    name: str,
    version: str = "1.0.0",
    *,
    values: str = "replicas: 1\ntag: '1.0'\n",
    template: str = SERVED,
    **more: object,
) -> bytes:
    """A chart with one template; JSON is YAML."""
    files = {
        f"{name}/Chart.yaml": json.dumps(meta(name, version, **more)),
        f"{name}/values.yaml": values,
        f"{name}/README.md": f"# {name}\n",
        f"{name}/templates/main.yaml": template,
    }
    return archive(files)


@dataclass
class Shelf:
    """A repository of charts on loopback: what it serves may be changed while it does."""

    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, web.StreamResponse] = field(default_factory=dict)
    asked: list[web.Request] = field(default_factory=list)
    url: str = ""

    def put(self, *charts: tuple[dict[str, Any], bytes]) -> None:
        """Serve these, and an index of them."""
        entries: dict[str, list[dict[str, Any]]] = {}
        for said, data in charts:
            path = f"charts/{said['name']}-{said['version']}.tgz"
            self.files[f"/{path}"] = data
            digest = hashlib.sha256(data).hexdigest()
            entries.setdefault(said["name"], []).append({**said, "urls": [path], "digest": digest})
        self.files["/index.yaml"] = json.dumps({"apiVersion": "v1", "entries": entries}).encode()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """What is asked for, or 404."""
        self.asked.append(request)
        if request.path in self.answers:
            return self.answers[request.path]
        if request.path in self.files:
            return web.Response(body=self.files[request.path])
        raise web.HTTPNotFound


def web_chart(version: str = "1.0.0", **more: Any) -> tuple[dict[str, Any], bytes]:
    """The chart `anchor`."""
    return meta("anchor", version, **more), chart("anchor", version, **more)


@asynccontextmanager
async def shelf() -> AsyncIterator[Shelf]:
    """A repository with two versions of one chart and one of another."""
    found = Shelf()
    found.put(
        web_chart("1.0.0", appVersion="1.25"),
        web_chart("1.2.0", appVersion="1.27"),
        (meta("bottle", "0.1.0+build.7"), chart("bottle", "0.1.0+build.7", template=NOTED)),
    )
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", found.answer)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        yield found
