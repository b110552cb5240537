"""Requests that change something: the method and the subresource decide which write it is."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from aiohttp import web

from libs.sandbox.api import asked, bodies, deleting, patching, status, subresources, writes
from libs.sandbox.api.asked import Form
from libs.sandbox.api.place import Place
from libs.sandbox.api.writes import Body, Written
from libs.sandbox.apply.applying import Applying
from libs.sandbox.objects import Objects
from libs.shared.errors import Exists, Malformed, Unsupported
from libs.shared.http.faults import METHOD_REFUSED

_MADE: Final = {True: HTTPStatus.CREATED, False: HTTPStatus.OK}


async def answer(objects: Objects, request: web.BaseRequest, where: Place) -> web.Response:
    """Do it, in memory; the caller waits for the disk. Raises from the error tree."""
    match request.method, bool(where.name):
        case "POST", _ if not where.name or where.subresource == "eviction":
            return await _post(objects, request, where)
        case "PUT", True:
            return await _put(objects, request, where)
        case "PATCH", True:
            return await _patch(objects, request, where)
        case "DELETE", _ if not where.subresource:
            return await _delete(objects, request, where)
    raise _refused()


async def _post(objects: Objects, request: web.BaseRequest, where: Place) -> web.Response:
    form = asked.form(request)
    dry = asked.dry(request.query, "CreateOptions")
    if where.every_namespace:
        raise _refused()
    sent = await bodies.read(request)
    if where.subresource == "eviction":
        subresources.evict(objects, where, sent, dry=dry)
        return status.answer({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}, 201)
    return _shown(writes.create(objects, where, sent, dry=dry), form)


async def _put(objects: Objects, request: web.BaseRequest, where: Place) -> web.Response:
    form = asked.form(request)
    dry = asked.dry(request.query, "UpdateOptions")
    sent = await bodies.read(request)
    match where.subresource:
        case "scale":
            return status.answer(subresources.put_scale(objects, where, sent, dry=dry))
        case "finalize":
            return status.answer(subresources.finalize(objects, where, sent, dry=dry))
        case "" | "status":
            return _shown(writes.replace(objects, where, sent, dry=dry), form)
    raise _refused()


async def _patch(objects: Objects, request: web.BaseRequest, where: Place) -> web.Response:
    form = asked.form(request)
    dry = asked.dry(request.query, "PatchOptions")
    media = request.content_type
    raw = await bodies.raw(request)
    if media == patching.APPLY:
        if where.subresource not in ("", "status"):
            raise _refused()
        wanted = writes.typed(where, bodies.whole(await bodies.from_yaml(raw)))
        return _shown(_applied(objects, request, where, wanted, dry=dry), form)
    change = patching.reads(media, raw, custom=where.resource.custom)
    if where.subresource == "scale":
        current = objects.get(where.resource.store, where.name, where.namespace)
        wanted = change(subresources.scale(current))
        if not isinstance(wanted, dict):
            raise Malformed("patch-no-object", "the patch has to result in an object")
        return status.answer(subresources.put_scale(objects, where, wanted, dry=dry))
    return _shown(writes.patch(objects, where, change, dry=dry), form)


def _applied(objects: Objects, request: web.BaseRequest, where: Place, wanted: Body, *, dry: bool) -> Written:
    """Server-side apply: made where there is nothing, merged where there is."""
    manager = request.query.get("fieldManager", "")
    if not manager:
        text = 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
        raise Malformed("manager-missing", text)
    force = asked.flag(request.query, "force")
    applying = Applying(where.resource, where.api_version, manager, where.subresource, objects.clock(), force)
    if objects.find(where.resource.store, where.name, where.namespace) is None and not where.subresource:
        named = {**wanted, "metadata": {**(wanted.get("metadata") or {})}}
        if named["metadata"].setdefault("name", where.name) != where.name:
            text = f"the name of the object ({named['metadata']['name']}) does not match the name on the URL"
            raise Malformed("name-mismatch", f"{text} ({where.name})")
        if (wanted.get("metadata") or {}).get("uid"):
            text = f'Operation cannot be fulfilled on {where.resource.id} "{where.name}": uid mismatch'
            raise Exists("object-other", text, resource=where.resource.id, name=where.name)
        return writes.create(objects, where, applying.first(named), dry=dry)
    return writes.patch(objects, where, lambda current: applying.merged(current, wanted), dry=dry)


async def _delete(objects: Objects, request: web.BaseRequest, where: Place) -> web.Response:
    raw = await bodies.read(request) if request.body_exists and request.content_length != 0 else {}
    wish, dry = deleting.wish(raw, request.query)
    if where.name:
        body, gone = writes.delete(objects, where, wish, dry=dry)
        if not gone:
            return status.answer(body)
        resource, metadata = where.resource, body["metadata"]
        return status.answer(status.success(resource.plural, resource.group, where.name, metadata["uid"]))
    if where.every_namespace:
        raise _refused()
    found = writes.delete_all(objects, where, asked.listing(request.query), wish, dry=dry)
    kind = f"{where.resource.kind}List"
    head = {"resourceVersion": str(objects.revision)}
    return status.answer({"kind": kind, "apiVersion": where.api_version, "metadata": head, "items": found})


def _shown(written: Written, form: Form) -> web.Response:
    body = written.body
    if form is Form.METADATA:
        body = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}
    return status.answer(body, _MADE[written.made])


def _refused() -> Unsupported:
    return Unsupported(METHOD_REFUSED, "the server does not allow this method on the requested resource")
