"""`/kapis/iam.kubesphere.io/v1alpha2/workspaces/{workspace}/workspacemembers` (spec 7.2)."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from libs.shared.http.identity import caller
from libs.shared.http.listing import Filter
from libs.shared.http.reading import lenient, lenient_object
from libs.shared.http.route import Route
from libs.shared.http.schemas import Done, Listed
from services.accounts.commands import member as commands
from services.accounts.domain.member import Invitation
from services.accounts.parts import EVERYTHING_HERE, Parts
from services.accounts.queries import member as queries
from services.accounts.rest.granting import vet
from services.accounts.rest.lists import listed
from services.accounts.rest.users import FILTERS as USER_FILTERS
from services.accounts.rest.users import PARAMETERS, SUCCESS
from services.accounts.shapes import member as shapes
from services.accounts.shapes import role as role_shapes
from services.accounts.shapes import user as user_shapes
from services.accounts.shapes.member import MemberShape
from services.accounts.shapes.role import RoleShape
from services.accounts.shapes.user import UserShape

V = "/kapis/iam.kubesphere.io/v1alpha2/workspaces/{workspace}/workspacemembers"


async def list_members(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Users whom a role of the workspace is bound to by name, with that role; filter `workspacerole`."""
    found = await queries.members(parts.store, request.match_info["workspace"])
    return listed(request, [user_shapes.user(m.user, workspace_role=m.role) for m in found], FILTERS)


async def get_member(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One member with his role."""
    found = await queries.member(parts.store, request.match_info["workspace"], request.match_info["member"])
    return web.json_response(user_shapes.user(found.user, workspace_role=found.role))


async def invite_members(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Give each of these users this role, all or none; a member gets another role."""
    invitations = shapes.invitations(await lenient(request))
    await _invite(request, invitations, parts)
    return web.json_response([shapes.member(invitation) for invitation in invitations])


async def change_member(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Give a member another role. The name in the path is whom it is about."""
    given = shapes.invitation(await lenient_object(request))
    await _invite(request, (Invitation(request.match_info["member"], given.role),), parts)
    return web.json_response(shapes.member(given))


async def remove_member(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Take every role in the workspace from a user; whoever is no member is passed over."""
    workspace, name = request.match_info["workspace"], request.match_info["member"]
    await _vet_member(request, name, parts)
    await parts.store.transact(commands.remove_member, workspace, name, by=caller(request).user)
    return web.json_response(SUCCESS)


async def list_member_templates(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The templates that a member's roles are made of, as a bare list: the console works out his menus from them."""
    workspace, name = request.match_info["workspace"], request.match_info["member"]
    found = await queries.member_templates(parts.store, workspace, name)
    return web.json_response([role_shapes.role(template) for template in found])


async def _invite(request: web.Request, invitations: tuple[Invitation, ...], parts: Parts) -> None:
    workspace = request.match_info["workspace"]
    for user in dict.fromkeys(invitation.user for invitation in invitations):
        await _vet_member(request, user, parts)
    for role in dict.fromkeys(invitation.role for invitation in invitations):
        rules = await queries.granted(parts.store, workspace, role)
        await vet(request, rules, workspace=workspace, what=f'workspacerole "{role}"')
    await parts.store.transact(
        commands.invite_members,
        workspace,
        invitations,
        uid=parts.ids(),
        by=caller(request).user,
        at=parts.clock(),
    )


async def _vet_member(request: web.Request, name: str, parts: Parts) -> None:
    """Raise `Denied` where another member is allowed more in the workspace than the caller, who would demote or remove
    him; oneself one may always demote and remove.
    """
    workspace = request.match_info["workspace"]
    if name == caller(request).user:
        return
    rules = await queries.held(parts.store, workspace, name)
    await vet(request, rules, workspace=workspace, what=f'or take what member "{name}" has')


FILTERS: Mapping[str, Filter] = {
    name: USER_FILTERS[name] for name in ("email", "ingroup", "notingroup", "workspacerole", "workspace")
}
TAGS = ("members",)
ROUTES = (
    Route("GET", V, list_members, tags=TAGS, answer=Listed[UserShape], parameters=PARAMETERS),
    Route(
        "POST",
        V,
        invite_members,
        questions=(EVERYTHING_HERE,),
        tags=TAGS,
        body=list[MemberShape],
        answer=list[MemberShape],
    ),
    Route("GET", V + "/{member}", get_member, tags=TAGS, answer=UserShape),
    Route(
        "PUT",
        V + "/{member}",
        change_member,
        questions=(EVERYTHING_HERE,),
        tags=TAGS,
        body=MemberShape,
        answer=MemberShape,
    ),
    Route("DELETE", V + "/{member}", remove_member, questions=(EVERYTHING_HERE,), tags=TAGS, answer=Done),
    Route("GET", V + "/{member}/workspaceroles", list_member_templates, tags=TAGS, answer=list[RoleShape]),
)
