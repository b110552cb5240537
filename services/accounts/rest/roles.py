"""Global roles and roles of workspaces, `/kapis/iam.kubesphere.io/v1alpha2` (spec 7.3)."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from libs.shared.errors import Malformed
from libs.shared.http import listing
from libs.shared.http.listing import Filter
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import Route
from libs.shared.http.schemas import Done, Listed
from libs.shared.objects.patches import merge
from services.accounts.commands import role as commands
from services.accounts.domain.role import TEMPLATE, GlobalRole, RoleWish, WorkspaceRole
from services.accounts.parts import EVERYTHING, EVERYTHING_HERE, Parts
from services.accounts.queries import role as queries
from services.accounts.rest.granting import vet
from services.accounts.rest.lists import listed
from services.accounts.rest.users import SUCCESS, check_name
from services.accounts.shapes import role as shapes
from services.accounts.shapes import user as user_shapes
from services.accounts.shapes.metadata import JsonObject
from services.accounts.shapes.role import RoleShape

V = "/kapis/iam.kubesphere.io/v1alpha2"


async def list_global_roles(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Global roles and templates; `aggregateTo=<role>` lists the templates that it is made of."""
    whole = request.query.get("aggregateTo")
    if whole is None:
        found = await queries.global_roles(parts.store)
    else:
        found = await queries.aggregated_global(parts.store, whole)
    return listed(request, [shapes.role(role) for role in found], FILTERS)


async def get_global_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One global role."""
    return web.json_response(shapes.role(await queries.global_role(parts.store, request.match_info["role"])))


async def create_global_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Make a global role out of the templates that its annotation names; rules in the body are not read."""
    wish = shapes.role_wish(await lenient_object(request))
    await vet(request, await queries.summed_global(parts.store, wish), what=f'globalrole "{wish.name}"')
    role = await parts.store.transact(commands.create_global_role, wish, uid=parts.ids(), at=parts.clock())
    return web.json_response(shapes.role(role))


async def change_global_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Replace a global role; without a resourceVersion it counts as one to be made (spec 7)."""
    body = await lenient_object(request)
    wish = shapes.role_wish(body)
    check_name(request.match_info["role"], wish.name)
    return web.json_response(shapes.role(await _change_global(request, wish, user_shapes.version(body), parts)))


async def patch_global_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Change labels and annotations by a merge patch; rules follow from the annotation alone."""
    before = await queries.global_role(parts.store, request.match_info["role"])
    wish = _patched(shapes.role(before), await lenient_object(request))
    return web.json_response(shapes.role(await _change_global(request, wish, str(before.stamp.revision), parts)))


async def delete_global_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Remove a global role; its bindings stay and grant nothing."""
    name = request.match_info["role"]
    before = await queries.global_role(parts.store, name)
    await vet(request, before.effective, what=f'or remove globalrole "{name}"')
    await parts.store.transact(commands.delete_global_role, name)
    return web.json_response(SUCCESS)


async def list_workspace_roles(request: web.Request, parts: Parts) -> web.StreamResponse:
    """A workspace's own roles. Asked for templates by label, or for those of a role by `aggregateTo`, it lists the
    shared ones.
    """
    workspace, whole = request.match_info["workspace"], request.query.get("aggregateTo")
    templates = TEMPLATE in request.query.get("label", "") or TEMPLATE in request.query.get("labelSelector", "")
    if whole is not None:
        found = await queries.aggregated_in_workspace(parts.store, workspace, whole)
    elif templates:
        found = await queries.workspace_templates(parts.store, workspace)
    else:
        found = await queries.workspace_roles(parts.store, workspace)
    return listed(request, [shapes.role(role) for role in found], FILTERS)


async def get_workspace_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One role of a workspace; another workspace's is 404."""
    return web.json_response(shapes.role(await _own(request, parts)))


async def create_workspace_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Make a role of a workspace out of the templates that its annotation names."""
    wish, workspace = shapes.role_wish(await lenient_object(request)), request.match_info["workspace"]
    await _vet_here(request, wish, parts)
    role = await parts.store.transact(
        commands.create_workspace_role, workspace, wish, uid=parts.ids(), at=parts.clock()
    )
    return web.json_response(shapes.role(role))


async def change_workspace_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Replace a role of a workspace; without a resourceVersion it counts as one to be made (spec 7)."""
    body = await lenient_object(request)
    wish = shapes.role_wish(body)
    check_name(request.match_info["role"], wish.name)
    return web.json_response(shapes.role(await _change_here(request, wish, user_shapes.version(body), parts)))


async def patch_workspace_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Change labels and annotations by a merge patch; rules follow from the annotation alone."""
    before = await _own(request, parts)
    wish = _patched(shapes.role(before), await lenient_object(request))
    return web.json_response(shapes.role(await _change_here(request, wish, str(before.stamp.revision), parts)))


async def delete_workspace_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Remove a role of a workspace; its bindings stay and grant nothing."""
    workspace, name = request.match_info["workspace"], request.match_info["role"]
    before = await _own(request, parts)
    await vet(request, before.effective, workspace=workspace, what=f'or remove workspacerole "{name}"')
    await parts.store.transact(commands.delete_workspace_role, workspace, name)
    return web.json_response(SUCCESS)


async def _own(request: web.Request, parts: Parts) -> WorkspaceRole:
    return await queries.workspace_role(parts.store, request.match_info["workspace"], request.match_info["role"])


async def _change_global(request: web.Request, wish: RoleWish, version: str, parts: Parts) -> GlobalRole:
    await vet(request, await queries.summed_global(parts.store, wish), what=f'globalrole "{wish.name}"')
    if not version:
        return await parts.store.transact(commands.create_global_role, wish, uid=parts.ids(), at=parts.clock())
    before = await queries.global_role(parts.store, wish.name)
    await vet(request, before.effective, what=f'or change globalrole "{wish.name}"')
    return await parts.store.transact(commands.change_global_role, wish, version)


async def _change_here(request: web.Request, wish: RoleWish, version: str, parts: Parts) -> WorkspaceRole:
    await _vet_here(request, wish, parts)
    workspace = request.match_info["workspace"]
    if version:  # who may not give what it allows may not take it from those who hold it either
        before = await _own(request, parts)
        await vet(request, before.effective, workspace=workspace, what=f'or change workspacerole "{wish.name}"')
    else:
        return await parts.store.transact(
            commands.create_workspace_role, workspace, wish, uid=parts.ids(), at=parts.clock()
        )
    return await parts.store.transact(commands.change_workspace_role, workspace, wish, version)


async def _vet_here(request: web.Request, wish: RoleWish, parts: Parts) -> None:
    rules = await queries.summed_in_workspace(parts.store, wish)
    await vet(request, rules, workspace=request.match_info["workspace"], what=f'workspacerole "{wish.name}"')


def _patched(standing: JsonObject, patch: JsonObject) -> RoleWish:
    """The role after a merge patch; raises `Malformed` where it would get another name."""
    after = shapes.role_wish(merge(standing, patch))
    if after.name != standing["metadata"]["name"]:
        raise Malformed("name-mismatch", "metadata.name is not changed by a patch")
    return after


FILTERS: Mapping[str, Filter] = {"aggregateTo": lambda _item, _value: True}
GLOBAL, HERE = V + "/globalroles", V + "/workspaces/{workspace}/workspaceroles"
PARAMETERS = (*listing.PARAMETERS, ("aggregateTo", "the templates that this role is made of, instead of roles"))
TAGS = ("roles",)
ROUTES = (
    Route("GET", GLOBAL, list_global_roles, tags=TAGS, answer=Listed[RoleShape], parameters=PARAMETERS),
    Route("POST", GLOBAL, create_global_role, questions=(EVERYTHING,), tags=TAGS, body=RoleShape, answer=RoleShape),
    Route("GET", GLOBAL + "/{role}", get_global_role, tags=TAGS, answer=RoleShape),
    Route(
        "PUT",
        GLOBAL + "/{role}",
        change_global_role,
        questions=(EVERYTHING,),
        tags=TAGS,
        body=RoleShape,
        answer=RoleShape,
    ),
    Route(
        "PATCH",
        GLOBAL + "/{role}",
        patch_global_role,
        questions=(EVERYTHING,),
        tags=TAGS,
        body=RoleShape,
        answer=RoleShape,
    ),
    Route("DELETE", GLOBAL + "/{role}", delete_global_role, questions=(EVERYTHING,), tags=TAGS, answer=Done),
    Route("GET", HERE, list_workspace_roles, tags=TAGS, answer=Listed[RoleShape], parameters=PARAMETERS),
    Route(
        "POST", HERE, create_workspace_role, questions=(EVERYTHING_HERE,), tags=TAGS, body=RoleShape, answer=RoleShape
    ),
    Route("GET", HERE + "/{role}", get_workspace_role, tags=TAGS, answer=RoleShape),
    Route(
        "PUT",
        HERE + "/{role}",
        change_workspace_role,
        questions=(EVERYTHING_HERE,),
        tags=TAGS,
        body=RoleShape,
        answer=RoleShape,
    ),
    Route(
        "PATCH",
        HERE + "/{role}",
        patch_workspace_role,
        questions=(EVERYTHING_HERE,),
        tags=TAGS,
        body=RoleShape,
        answer=RoleShape,
    ),
    Route("DELETE", HERE + "/{role}", delete_workspace_role, questions=(EVERYTHING_HERE,), tags=TAGS, answer=Done),
)
