"""DevOps projects of a workspace (devops-apps-mesh 1.3), and those that somebody sees (iam-gateway 8.3)."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from libs.shared.errors import Invalid, Malformed
from libs.shared.http.answers import answer
from libs.shared.http.identity import caller
from libs.shared.http.listing import GO_TRUE, PARAMETERS
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import Access, May, Route
from libs.shared.http.schemas import Done, Listed
from services.devops.commands import project as commands
from services.devops.domain.resource import PROJECTS
from services.devops.parts import Parts
from services.devops.queries import project as queries
from services.devops.rest.wording import SUCCESS, TENANT, V3, listed, listed_whole, plain
from services.devops.shapes import project as shapes
from services.devops.shapes.project import ProjectShape

LISTS = May("devops.list", "list", "devops", "", "Workspace", "{workspace}")
"""Whether the caller may list all DevOps projects of the workspace."""


async def list_projects(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The projects of the workspace; KubeSphere's route shows those of all workspaces: closed here."""
    found = await queries.of_workspace(parts.store, request.match_info["workspace"])
    return listed(request, [shapes.typed_project(one) for one in found])


async def create_project(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Make a project: `metadata.generateName` is its display name, its name is generated. A taken one is 409."""
    wish = shapes.project_wish(await lenient_object(request), request.match_info["workspace"])
    try:
        kept = await parts.store.transact(
            commands.create_project,
            replace(wish, name=""),
            parts.seeds,
            uid=parts.ids(),
            by=caller(request).user,
            at=parts.clock(),
        )
    except Invalid as fault:
        raise Malformed(fault.slug, fault.text) from None
    return web.json_response(shapes.project(kept))


async def get_project(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One project; `generateName=true` looks it up by display name, `check=true` asks only whether there is one."""
    workspace, name = request.match_info["workspace"], request.match_info["project"]
    by_display, check = (request.query.get(key) in GO_TRUE for key in ("generateName", "check"))
    if check and not by_display:
        raise Malformed("check-by-name", "generateNameFlag can not be false")
    if not by_display:
        return web.json_response(shapes.project(await queries.project(parts.store, name, workspace)))
    found = await queries.called(parts.store, workspace, name)
    if check:
        return web.json_response({"exist": found is not None})
    if found is None:
        text = f"not found DevOpsProject by workspace: {workspace} and projectName: {name}"
        raise Malformed("devopsproject-missing", text)
    return web.json_response(shapes.typed_project(found))


async def change_project(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Replace what is said of a project, of the version that was read."""
    body = await lenient_object(request)
    workspace, name = request.match_info["workspace"], request.match_info["project"]
    wish = shapes.project_wish(body, workspace)
    if wish.name != name:
        text = f"the name of the object ({wish.name[:80]}) does not match the name on the URL ({name})"
        raise Malformed("name-mismatch", text)
    kept = await parts.store.transact(
        commands.change_project, wish, shapes.version(body), workspace=workspace, by=caller(request).user
    )
    return web.json_response(shapes.project(kept))


async def delete_project(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Remove a project with all that is in it."""
    await parts.store.transact(
        commands.delete_project,
        request.match_info["project"],
        workspace=request.match_info["workspace"],
        by=caller(request).user,
    )
    parts.works.broom.ring()
    return web.json_response(SUCCESS)


async def list_mine(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The workspace's projects: all for who may list them, else those that the caller has a role in."""
    workspace, who = request.match_info["workspace"], caller(request)
    if await answer(request, LISTS.name):
        found = await queries.of_workspace(parts.store, workspace)
    else:
        found = await queries.joined(parts.store, workspace, who.user, who.groups)
    return listed_whole(request, [shapes.project(one) for one in found])


async def list_members_projects(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The workspace's projects that a member of it has a role in."""
    found = await queries.joined(parts.store, request.match_info["workspace"], request.match_info["member"])
    return listed_whole(request, [shapes.project(one) for one in found])


MANY, ONE = V3 + "/workspaces/{workspace}/devops", V3 + "/workspaces/{workspace}/devops/{project}"
TAGS = (PROJECTS.plural,)
ROUTES = (
    Route("GET", MANY, plain(list_projects), tags=TAGS, answer=Listed[ProjectShape], parameters=PARAMETERS),
    Route("POST", MANY, create_project, tags=TAGS, body=ProjectShape, answer=ProjectShape),
    Route(
        "GET",
        ONE,
        plain(get_project),
        tags=TAGS,
        answer=ProjectShape,
        parameters=(("generateName", "true: the display name is given"), ("check", "true: only whether there is one")),
    ),
    Route("PUT", ONE, plain(change_project), tags=TAGS, body=ProjectShape, answer=ProjectShape),
    Route("DELETE", ONE, plain(delete_project), tags=TAGS, answer=Done),
    Route(
        "GET",
        TENANT + "/workspaces/{workspace}/devops",
        list_mine,
        access=Access.SIGNED_IN,
        questions=(LISTS,),
        tags=TAGS,
        answer=Listed[ProjectShape],
        parameters=PARAMETERS,
    ),
    Route(
        "GET",
        TENANT + "/workspaces/{workspace}/workspacemembers/{member}/devops",
        list_members_projects,
        tags=TAGS,
        answer=Listed[ProjectShape],
        parameters=PARAMETERS,
    ),
)
