"""The way of a request: who asks, what about, may he, and which answer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Final

from aiohttp import web

from libs.sandbox.api import asked, bodies, changing, reads, reviews, status, subresources, writes
from libs.sandbox.api.caller import VERBS, Caller, admit, allows, caller
from libs.sandbox.api.discovery import Discovery
from libs.sandbox.api.place import Place, place, unknown
from libs.sandbox.api.watching import Watch
from libs.sandbox.hooks import Attributes, Hooks
from libs.sandbox.objects import Objects
from libs.shared.errors import Fault, Unsupported
from libs.shared.http.faults import METHOD_REFUSED
from libs.shared.values import Secret

HEALTH: Final = ("/healthz", "/livez", "/readyz")
_READS: Final = ("GET", "HEAD")
_RIGHTS: Final = "rbac.authorization.k8s.io"


class Front:
    """Answers every request of the API server."""

    def __init__(self, objects: Objects, hooks: Hooks, token: Secret) -> None:
        self._objects = objects
        self._hooks = hooks
        self._token = token
        self._discovery = Discovery(objects.catalogue)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer, whatever it is asked."""
        path = request.path
        if path in HEALTH and request.method in _READS:
            return web.Response(text="ok")
        try:
            who = caller(request, self._token)
            where = place(self._objects.catalogue, request.rel_url.raw_path)
            if where is None:
                return self._bare(request, who, path)
            what = _attributes(request, where)
            admit(self._hooks.authorize, who, what)
            if not where.subresource and what.verb not in where.resource.verbs:
                raise _refused()
            if self._hooks.vet is not None and where.resource.group == _RIGHTS:
                where = replace(where, vet=partial(self._hooks.vet, who.user, who.groups, what))
            return await self._answer(request, where, who)
        except Fault as fault:
            return status.refused(fault)

    def _bare(self, request: web.BaseRequest, who: Caller, path: str) -> web.StreamResponse:
        admit(self._hooks.authorize, who, Attributes(request.method.lower(), path=path))
        if request.method not in _READS:
            raise _refused()
        return self._discovery.answer(request, path)

    async def _answer(self, request: web.BaseRequest, where: Place, who: Caller) -> web.StreamResponse:
        if not where.resource.stored:
            return await self._ask(request, where, who)
        if where.subresource in ("log", "proxy"):
            return await self._world(request, where)
        if request.method in _READS:
            return await self._read(request, where)
        response = await changing.answer(self._objects, request, where)
        await self._objects.saved()
        return response

    async def _read(self, request: web.BaseRequest, where: Place) -> web.StreamResponse:
        form = asked.form(request)
        if where.subresource == "scale":
            body = self._objects.get(where.resource.store, where.name, where.namespace)
            return status.answer(subresources.scale(body))
        if where.subresource not in ("", "status"):
            raise _refused()
        if asked.flag(request.query, "watch"):
            watch = Watch(self._objects, where, asked.listing(request.query), form, request.query)
            return await watch.serve(request)
        computed = self._hooks.computed.get(where.resource.id)
        source = reads.Computed(self._objects, computed) if computed else self._objects
        if where.name:
            return status.answer(reads.get(source, where, form))
        return status.answer(reads.listed(source, where, asked.listing(request.query), form))

    async def _ask(self, request: web.BaseRequest, where: Place, who: Caller) -> web.StreamResponse:
        """What is asked and not kept: reviews."""
        if request.method != "POST" or where.name:
            raise _refused()
        if where.resource.group != "authorization.k8s.io":
            raise unknown()
        sent = writes.typed(where, await bodies.read(request))
        if where.resource.kind == "SelfSubjectRulesReview":
            space = str((sent.get("spec") or {}).get("namespace") or "")
            held = self._hooks.rules(who.user, who.groups, space) if self._hooks.rules else ()
            return status.answer(reviews.rules(where, sent, who, held), HTTPStatus.CREATED)

        def may(user: Caller, what: Attributes) -> bool:
            return allows(self._hooks.authorize, user, what)

        return status.answer(reviews.review(where, sent, who, may), HTTPStatus.CREATED)

    async def _world(self, request: web.BaseRequest, where: Place) -> web.StreamResponse:
        """What the simulated world answers itself."""
        if request.method != "GET":
            raise _refused()
        body = self._objects.get(where.resource.store, where.name, where.namespace)
        if where.subresource == "log" and self._hooks.pod_log is not None:
            return await self._hooks.pod_log(request, body)
        if where.subresource == "proxy" and where.resource.id == "nodes" and self._hooks.node_proxy is not None:
            return await self._hooks.node_proxy(request, body, where.rest)
        raise unknown()


def _attributes(request: web.BaseRequest, where: Place) -> Attributes:
    if request.method not in VERBS:
        raise _refused()
    one, many = VERBS[request.method]
    verb = one if where.name else many
    if verb in ("get", "list") and not where.subresource and asked.flag(request.query, "watch"):
        verb = "watch"
    resource = where.resource
    if resource.id == "namespaces":
        return Attributes(
            verb, "", where.version, resource.plural, where.subresource, where.name, where.name, request.path
        )
    return Attributes(
        verb,
        resource.group,
        where.version,
        resource.plural,
        where.subresource,
        where.namespace,
        where.name,
        request.path,
    )


def _refused() -> Unsupported:
    return Unsupported(METHOD_REFUSED, "the server does not allow this method on the requested resource")
