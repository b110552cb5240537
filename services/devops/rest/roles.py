"""Roles of a DevOps project (devops-apps-mesh 1.4, iam-gateway 7.3)."""

from __future__ import annotations

from aiohttp import web

from libs.shared.errors import Malformed, Missing
from libs.shared.http.listing import PARAMETERS
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import Route
from libs.shared.http.schemas import Done, Listed
from libs.shared.objects.patches import merge
from services.devops.commands import role as commands
from services.devops.domain.project import Project
from services.devops.domain.role import RoleWish, aggregated, summed
from services.devops.parts import Parts
from services.devops.queries import project as queries
from services.devops.rest.granting import vet
from services.devops.rest.wording import IAM, SUCCESS, listed_whole
from services.devops.shapes import project as shapes
from services.devops.shapes.project import RoleShape

AGGREGATE_TO = "aggregateTo"


async def list_roles(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The project's roles and the templates; `aggregateTo` names a role: the templates that it is made of."""
    project = await _project(request, parts)
    templates = parts.seeds.templates
    wanted = request.query.get(AGGREGATE_TO)
    if wanted is not None:
        role = await queries.own_role(parts.store, project.name, wanted)
        made_of = [templates[name] for name in aggregated(role.annotations) if name in templates]
        found = [shapes.template(seed, project) for seed in made_of]
        return web.json_response({"items": found, "totalItems": len(found)})
    own = [shapes.role(role) for role in await queries.own_roles(parts.store, project.name)]
    return listed_whole(request, own + [shapes.template(seed, project) for seed in templates.values()])


async def get_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One role, or template."""
    project, name = await _project(request, parts), request.match_info["role"]
    try:
        return web.json_response(shapes.role(await queries.own_role(parts.store, project.name, name)))
    except Missing:
        seed = parts.seeds.templates.get(name)
        if seed is None:
            raise
        return web.json_response(shapes.template(seed, project))


async def create_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Make a role out of templates."""
    project, wish = await _project(request, parts), shapes.role_wish(await lenient_object(request))
    await _vet(request, project, wish, parts)
    role = await parts.store.transact(
        commands.create_role, project, wish, parts.seeds, uid=parts.ids(), at=parts.clock()
    )
    return web.json_response(shapes.role(role))


async def change_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Make a role out of other templates. A PUT says all of it, a PATCH (merge) what changes."""
    project, name = await _project(request, parts), request.match_info["role"]
    before = await queries.own_role(parts.store, project.name, name)
    await vet(request, project, before.rules, parts, what=f'or change role "{name}"')
    body = await lenient_object(request)
    wish = shapes.role_wish(merge(shapes.role(before), body) if request.method == "PATCH" else body)
    if wish.name != name:
        text = f"the name of the object ({wish.name[:80]}) does not match the name on the URL ({name})"
        raise Malformed("name-mismatch", text)
    await _vet(request, project, wish, parts)
    role = await parts.store.transact(commands.change_role, project, wish, parts.seeds)
    return web.json_response(shapes.role(role))


async def delete_role(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Remove a role of the project's own."""
    project, name = await _project(request, parts), request.match_info["role"]
    before = await queries.own_role(parts.store, project.name, name)
    await vet(request, project, before.rules, parts, what=f'or remove role "{name}"')
    await parts.store.transact(commands.delete_role, project, name)
    return web.json_response(SUCCESS)


async def _project(request: web.Request, parts: Parts) -> Project:
    return await queries.project(parts.store, request.match_info["devops"])


async def _vet(request: web.Request, project: Project, wish: RoleWish, parts: Parts) -> None:
    await vet(request, project, summed(wish, parts.seeds.templates), parts, what=f'role "{wish.name[:80]}"')


MANY = IAM + "/devops/{devops}/roles"
ONE = MANY + "/{role}"
TAGS = ("devopsroles",)
ROUTES = (
    Route("GET", MANY, list_roles, tags=TAGS, answer=Listed[RoleShape], parameters=PARAMETERS),
    Route("POST", MANY, create_role, tags=TAGS, body=RoleShape, answer=RoleShape),
    Route("GET", ONE, get_role, tags=TAGS, answer=RoleShape),
    Route("PUT", ONE, change_role, tags=TAGS, body=RoleShape, answer=RoleShape),
    Route("PATCH", ONE, change_role, tags=TAGS, body=RoleShape, answer=RoleShape),
    Route("DELETE", ONE, delete_role, tags=TAGS, answer=Done),
)
