"""Uploaded apps: checked, made, described, shown with pictures, removed (devops-apps-mesh 11.3)."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from libs.shared.errors import Fault, Invalid, Malformed
from libs.shared.http.identity import caller
from libs.shared.http.listing import GO_TRUE
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import MIB, Route
from libs.shared.http.schemas import Done
from services.openpitrix.commands import app as commands
from services.openpitrix.commands import version as version_commands
from services.openpitrix.domain import app as apps
from services.openpitrix.domain import version as versions
from services.openpitrix.domain.app import MOST_SCREENSHOTS, App, Drawn
from services.openpitrix.domain.naming import identity, missing, plain_app
from services.openpitrix.parts import Parts
from services.openpitrix.rest.attachments import attached
from services.openpitrix.rest.wording import IN_WORKSPACE, SEEN, SUCCESS, V1, optional_object, sight
from services.openpitrix.shapes import template as shapes
from services.openpitrix.shapes.repo import checked
from services.openpitrix.shapes.template import ActionShape, ChangeShape, TemplateShape

LARGEST: Final = 16 * MIB
WEB: Final = ("http://", "https://")


async def validated(package: str | None, field: str, parts: Parts) -> web.Response:
    """What a package was found to be, or why it is none: both are good answers."""
    if not package:
        raise Malformed("package", "package parse failed")
    content = shapes.decoded(package, field)
    try:
        return web.json_response(shapes.validated(await parts.desk.packages.inspected(content)))
    except Invalid as fault:
        return web.json_response({"error": fault.text})


async def create_app(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Make an app out of a package, with its first version as a draft; `validate=true` only looks at the package."""
    read: TemplateShape = checked(TemplateShape, await optional_object(request))
    if request.query.get("validate") in GO_TRUE:
        return await validated(read.version_package, "version_package", parts)
    workspace = request.match_info.get("workspace", "")
    if not workspace:
        raise Malformed("app-workspace", "an app is made in a workspace: POST /workspaces/{workspace}/apps")
    if not read.version_package:
        raise Malformed("package", "EOF")
    content, by, at = shapes.decoded(read.version_package, "version_package"), caller(request).user, parts.clock()
    chart = await parts.desk.packages.inspected(content)
    apps.check_name(read.name or "")
    names = {"app": identity("app", parts.desk.ids()), "version": identity("appv", parts.desk.ids())}
    digest = await parts.desk.blobs.put(content)
    first = versions.draft(names["app"], chart, identity=names["version"], workspace=workspace, by=by, at=at)
    first = first.model_copy(update={"digest": digest, "size": len(content)})
    icon = await _icon(read.icon or "", parts)
    app = apps.make(Drawn(read.name or "", icon, chart), first, app=names["app"], by=by)
    await parts.store.transact(commands.create_app, app, first, most=parts.settings.apps)
    await parts.desk.blobs.put(content)  # a removal of the same content may have come between
    return web.json_response({"app_id": names["app"], "version_id": names["version"]})


async def change_app(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Say something else of an app, or give it an icon or a screenshot (at most six; without content, the one at
    `sequence` goes).
    """
    app, read = await own_app(request, parts), shapes.change(await lenient_object(request))
    if app.repo:
        raise apps.immutable(app)
    changed = shapes.changes(read)
    if read.type == "icon":
        content = shapes.picture(read.attachment_content, "attachment_content")
        changed["icon"] = await attached(content, parts) if content else ""
    elif read.type == "screenshot":
        changed["screenshots"] = await _screenshots(app, read, parts)
    elif read.type:
        raise Malformed("app-attachment", "the type of an attachment is icon or screenshot")
    await parts.store.transact(commands.change_app, app.id, changed, by=caller(request).user, at=parts.clock())
    return web.json_response(SUCCESS)


async def delete_app(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Forget an app that has no versions any more. One that isn't there is passed over."""
    try:
        app = await own_app(request, parts)
    except Fault as fault:
        if fault.name:
            return web.json_response(SUCCESS)
        raise
    await parts.store.transact(commands.delete_app, app.id, by=caller(request).user)
    return web.json_response(SUCCESS)


async def act_on_app(request: web.Request, parts: Parts) -> web.StreamResponse:
    """`suspend` every active version, or `recover` every suspended one."""
    app, read = await own_app(request, parts), checked(ActionShape, await lenient_object(request))
    action, message = read.action or "", read.message or ""
    by, at = caller(request).user, parts.clock()
    await parts.store.transact(version_commands.act_on_app, app.id, action, message, by=by, at=at)
    return web.json_response(SUCCESS)


async def own_app(request: web.Request, parts: Parts) -> App:
    """The app of the path, by whoever may change it: within its workspace, or for the platform. Raises `Missing`."""
    who, name = await sight(request), request.match_info["app"]
    app = await parts.store.of(App).look(plain_app(name))
    if app is None or not who.owns(app.workspace):
        raise missing("helmapplication", name)
    return app


async def _icon(text: str, parts: Parts) -> str:
    """An address as it is; anything else is a picture in base64."""
    if not text or text.startswith(WEB):
        return text[: shapes.LONGEST_ICON]
    return await attached(shapes.picture(text, "icon"), parts)


async def _screenshots(app: App, read: ChangeShape, parts: Parts) -> tuple[str, ...]:
    content = shapes.picture(read.attachment_content, "attachment_content")
    if not content:
        return tuple(one for place, one in enumerate(app.screenshots) if place != (read.sequence or 0))
    if len(app.screenshots) >= MOST_SCREENSHOTS:
        raise Malformed("screenshots-most", f"an app has at most {MOST_SCREENSHOTS} screenshots")
    return (*app.screenshots, await attached(content, parts))


def _routes(at: str) -> tuple[Route, ...]:
    many, one, tags = at + "/apps", at + "/apps/{app}", ("apps",)
    validate = (("validate", "true: only look at the package"),)
    return (
        Route("POST", many, create_app, tags=tags, body=TemplateShape, max_body=LARGEST, parameters=validate),
        Route("PATCH", one, change_app, questions=SEEN, tags=tags, body=ChangeShape, answer=Done, max_body=2 * MIB),
        Route("DELETE", one, delete_app, questions=SEEN, tags=tags, answer=Done),
        Route("POST", one + "/action", act_on_app, questions=SEEN, tags=tags, body=ActionShape, answer=Done),
    )


ROUTES = (*_routes(V1), *_routes(IN_WORKSPACE))
