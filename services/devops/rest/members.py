"""Members of a DevOps project (devops-apps-mesh 1.4, iam-gateway 7.2)."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from libs.shared.errors import Malformed
from libs.shared.http.listing import PARAMETERS
from libs.shared.http.reading import lenient, lenient_object
from libs.shared.http.route import Route
from libs.shared.http.schemas import Done, Listed
from services.devops.commands import member as commands
from services.devops.domain.project import Project
from services.devops.domain.role import Invitation
from services.devops.parts import Parts
from services.devops.queries import project as queries
from services.devops.rest.granting import vet, vet_member
from services.devops.rest.wording import IAM, SUCCESS, listed_whole
from services.devops.shapes import project as shapes
from services.devops.shapes.project import MemberShape, PersonShape, RoleShape


async def list_members(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Users whom a role of the project is bound to by name, each with that role."""
    project = await _project(request, parts)
    return listed_whole(request, [shapes.member(one) for one in await queries.members(parts.store, project.name)])


async def get_member(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One member with his role."""
    project = await _project(request, parts)
    found = await queries.member(parts.store, project.name, request.match_info["member"])
    return web.json_response(shapes.member(found))


async def invite_members(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Give each of these users this role, all or none; a member gets another role."""
    invitations = shapes.invitations(await lenient(request))
    await _invite(request, invitations, parts)
    return web.json_response([shapes.invited(one) for one in invitations])


async def change_member(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Give a member another role."""
    given, name = shapes.invitation(await lenient_object(request)), request.match_info["member"]
    if given.user != name:
        text = f"the name of the object ({given.user[:80]}) does not match the name on the URL ({name})"
        raise Malformed("name-mismatch", text)
    await _invite(request, (given,), parts)
    return web.json_response(shapes.invited(given))


async def remove_member(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Take every role in the project from a user; whoever is no member is passed over."""
    project, name = await _project(request, parts), request.match_info["member"]
    await vet_member(request, project, name, parts)
    await parts.store.transact(commands.remove_member, project, name)
    return web.json_response(SUCCESS)


async def list_member_templates(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The templates that a member's roles are made of, as a bare list: the console works out his menus from them."""
    project = await _project(request, parts)
    found = await queries.held_templates(parts.store, project.name, request.match_info["member"], parts.seeds)
    return web.json_response([shapes.template(seed, project) for seed in found])


async def _project(request: web.Request, parts: Parts) -> Project:
    return await queries.project(parts.store, request.match_info["devops"])


async def _invite(request: web.Request, invitations: Sequence[Invitation], parts: Parts) -> None:
    project = await _project(request, parts)
    for user in dict.fromkeys(one.user for one in invitations):
        await vet_member(request, project, user, parts)
    for name in dict.fromkeys(one.role for one in invitations):
        role = await queries.own_role(parts.store, project.name, name)
        await vet(request, project, role.rules, parts, what=f'role "{name}"')
    await parts.store.transact(commands.invite_members, project, invitations, at=parts.clock())


MANY = IAM + "/devops/{devops}/members"
ONE = MANY + "/{member}"
TAGS = ("devopsmembers",)
ROUTES = (
    Route("GET", MANY, list_members, tags=TAGS, answer=Listed[PersonShape], parameters=PARAMETERS),
    Route("POST", MANY, invite_members, tags=TAGS, body=list[MemberShape], answer=list[MemberShape]),
    Route("GET", ONE, get_member, tags=TAGS, answer=PersonShape),
    Route("PUT", ONE, change_member, tags=TAGS, body=MemberShape, answer=MemberShape),
    Route("DELETE", ONE, remove_member, tags=TAGS, answer=Done),
    Route("GET", ONE + "/roles", list_member_templates, tags=TAGS, answer=list[RoleShape]),
)
