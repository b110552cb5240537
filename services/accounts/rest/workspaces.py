"""`/kapis/tenant.kubesphere.io`: workspace templates and workspaces (spec 8.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from libs.shared.errors import Denied, Exists, Malformed
from libs.shared.http import faults
from libs.shared.http.answers import answer
from libs.shared.http.identity import caller
from libs.shared.http.listing import PARAMETERS
from libs.shared.http.reading import lenient, lenient_object, raw_body
from libs.shared.http.route import Access, Dialect, Route
from libs.shared.http.schemas import Done, Listed
from libs.shared.objects.patches import apply_patch, read_patch
from libs.shared.objects.shapes import DeleteOptions, PatchOperation
from services.accounts.commands import workspace as commands
from services.accounts.domain import workspace as domain
from services.accounts.domain.member import manager_binding
from services.accounts.domain.resource import TEMPLATES, WORKSPACES, Noun
from services.accounts.domain.workspace import Workspace, WorkspaceWish
from services.accounts.parts import (
    EVERYTHING_HERE,
    LISTS_WORKSPACES,
    MANAGES_CLUSTERS,
    MINE,
    REMOVES_WORKSPACES,
    Parts,
)
from services.accounts.queries import member as members
from services.accounts.queries import workspace as queries
from services.accounts.rest.granting import vet
from services.accounts.rest.lists import listed
from services.accounts.rest.users import SUCCESS, check_name
from services.accounts.shapes import user as user_shapes
from services.accounts.shapes import workspace as shapes
from services.accounts.shapes.workspace import TemplateShape, WorkspaceShape

V2, V3 = "/kapis/tenant.kubesphere.io/v1alpha2", "/kapis/tenant.kubesphere.io/v1alpha3"
PLACEMENT = ("spec", "placement")
ORPHAN = "Orphan"


async def list_templates(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Workspace templates: all of them for who may list workspaces everywhere, else those that he is bound in."""
    return listed(request, [shapes.template(w) for w in await _visible(request, parts)], {})


async def list_workspaces(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The same as Workspace objects."""
    return listed(request, [shapes.workspace(w) for w in await _visible(request, parts)], {})


async def get_template(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One workspace template, for its members and for who may list all. Every signed-in user reads any workspace in
    KubeSphere: closed here (spec 13).
    """
    return await _shown(request, parts, TEMPLATES, shapes.template)


async def get_workspace(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The same as a Workspace object."""
    return await _shown(request, parts, WORKSPACES, shapes.workspace)


async def create_workspace(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Make a workspace with its built-in roles and its manager's binding. A taken name is 400 (spec 8.1)."""
    wish = shapes.wish(await lenient_object(request))
    _check_clusters(request, WorkspaceWish(wish.name), wish)
    try:
        workspace = await parts.store.transact(
            commands.create_workspace, wish, uid=parts.ids(), by=caller(request).user, at=parts.clock()
        )
    except Exists as fault:
        raise Malformed(fault.slug, fault.text) from None
    return web.json_response(shapes.template(workspace))


async def change_workspace(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Replace what is said of a workspace; another manager takes over the manager's binding."""
    body = await lenient_object(request)
    wish = shapes.wish(body)
    check_name(request.match_info["workspace"], wish.name)
    before = await queries.workspace(parts.store, wish.name)
    return await _change(request, before, wish, user_shapes.version(body), parts)


async def patch_workspace(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Change a workspace by a JSON patch, whatever the media type. Placing it on clusters is for who manages clusters;
    anything else for who may remove workspaces (others get 403, where KubeSphere slips and says 500), an empty patch
    for either. Every signed-in user passes the gateway here: he is refused before anything is looked up.
    """
    patch = read_patch(await lenient(request))
    name, who = request.match_info["workspace"], caller(request)
    placing = [op for op in patch if op.path[:2] == PLACEMENT]
    changes, places = (who.answers.get(right.name) is True for right in (REMOVES_WORKSPACES, MANAGES_CLUSTERS))
    if not (changes or places) or (len(placing) != len(patch) and not changes) or (placing and not places):
        raise TEMPLATES.denied(name, f'User "{who.user}" may not change it so' if changes or places else "")
    before = await queries.workspace(parts.store, name)
    if any(op.op not in ("add", "remove") for op in placing):
        raise Malformed("patch-placement", "/spec/placement is changed by add and remove alone")
    wish = shapes.wish(apply_patch(shapes.template(before), patch))
    if wish.name != name:
        raise Malformed("name-mismatch", "metadata.name is not changed by a patch")
    return await _change(request, before, wish, str(before.stamp.revision), parts)


async def delete_workspace(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Remove a workspace with its roles and bindings; `propagationPolicy: Orphan` in the body keeps its projects."""
    orphan = _deletion(await raw_body(request)).get("propagationPolicy") == ORPHAN
    name = request.match_info["workspace"]
    await parts.store.transact(commands.delete_workspace, name, orphan=orphan, by=caller(request).user)
    return web.json_response(SUCCESS)


async def _change(
    request: web.Request, before: Workspace, wish: WorkspaceWish, version: str, parts: Parts
) -> web.StreamResponse:
    """A manager is made admin of the workspace: who names another must hold as much."""
    _check_clusters(request, before, wish)
    if wish.manager != before.manager:
        role = manager_binding(wish.name)
        rules = await members.granted(parts.store, wish.name, role)
        await vet(request, rules, workspace=wish.name, what=f'workspacerole "{role}"')
    workspace = await parts.store.transact(
        commands.change_workspace, wish, version, uid=parts.ids(), by=caller(request).user, at=parts.clock()
    )
    return web.json_response(shapes.template(workspace))


async def _visible(request: web.Request, parts: Parts) -> list[Workspace]:
    if await answer(request, LISTS_WORKSPACES.name):
        return await queries.workspaces(parts.store, None)
    return await queries.workspaces(parts.store, tuple(await answer(request, MINE.name)))


async def _shown(
    request: web.Request, parts: Parts, noun: Noun, shape: Callable[[Workspace], dict[str, Any]]
) -> web.Response:
    """The workspace to who may see it. Who may not is refused as the gateway refuses, by a `Status`: it is decided here
    because the gateway lets everybody read this group (spec 8).
    """
    try:
        return web.json_response(shape(await _seen(request, parts, noun)))
    except Denied as fault:
        return faults.answer(fault, Dialect.KUBERNETES, {noun.plural: noun.group})


async def _seen(request: web.Request, parts: Parts, noun: Noun) -> Workspace:
    name = request.match_info["workspace"]
    if not await answer(request, LISTS_WORKSPACES.name) and name not in await answer(request, MINE.name):
        raise noun.denied(name, f'User "{caller(request).user}" is no member of the workspace')
    return await queries.workspace(parts.store, name, noun)


def _check_clusters(request: web.Request, before: Workspace | WorkspaceWish, wish: WorkspaceWish) -> None:
    places = caller(request).answers.get(MANAGES_CLUSTERS.name) is True
    domain.check_placement(before, wish, by=caller(request).user, places=places)


def _deletion(raw: bytes) -> dict[str, Any]:
    """The DeleteOptions of the body; a body that is none is passed over, as the original does."""
    try:
        options = orjson.loads(raw) if raw.strip() else {}
    except ValueError:
        return {}
    return options if isinstance(options, dict) else {}


SEES = (LISTS_WORKSPACES, MINE)
CHANGES = (MANAGES_CLUSTERS, REMOVES_WORKSPACES, EVERYTHING_HERE)
TAGS = ("workspaces",)


def _routes(path: str) -> tuple[Route, ...]:
    """The routes of one spelling of workspace templates."""
    one = path + "/{workspace}"
    return (
        Route(
            "GET",
            path,
            list_templates,
            access=Access.SIGNED_IN,
            questions=SEES,
            tags=TAGS,
            answer=Listed[TemplateShape],
            parameters=PARAMETERS,
        ),
        Route(
            "POST",
            path,
            create_workspace,
            questions=(MANAGES_CLUSTERS,),
            tags=TAGS,
            body=TemplateShape,
            answer=TemplateShape,
        ),
        Route("GET", one, get_template, access=Access.SIGNED_IN, questions=SEES, tags=TAGS, answer=TemplateShape),
        Route("PUT", one, change_workspace, questions=CHANGES, tags=TAGS, body=TemplateShape, answer=TemplateShape),
        Route(
            "PATCH", one, patch_workspace, questions=CHANGES, tags=TAGS, body=list[PatchOperation], answer=TemplateShape
        ),
        Route("DELETE", one, delete_workspace, tags=TAGS, body=DeleteOptions, answer=Done),
    )


ROUTES = (
    *_routes(V3 + "/workspacetemplates"),
    *_routes(V2 + "/workspacetemplates"),
    *_routes(V2 + "/workspaces"),
    Route(
        "GET",
        V3 + "/workspaces",
        list_workspaces,
        access=Access.SIGNED_IN,
        questions=SEES,
        tags=TAGS,
        answer=Listed[WorkspaceShape],
        parameters=PARAMETERS,
    ),
    Route(
        "GET",
        V3 + "/workspaces/{workspace}",
        get_workspace,
        access=Access.SIGNED_IN,
        questions=SEES,
        tags=TAGS,
        answer=WorkspaceShape,
    ),
)
