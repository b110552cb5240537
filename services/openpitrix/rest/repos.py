"""Repositories of charts (devops-apps-mesh 11.2): a workspace's own, and everybody's."""

from __future__ import annotations

from aiohttp import web

from libs.shared.errors import Broken, Exists, Fault, Malformed
from libs.shared.http.identity import caller
from libs.shared.http.listing import GO_TRUE
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import Route
from libs.shared.http.schemas import Done
from services.openpitrix.commands import repo as commands
from services.openpitrix.domain import repo as repos
from services.openpitrix.domain.access import Login, parted, written
from services.openpitrix.domain.naming import identity
from services.openpitrix.domain.repo import Repo, RepoWish, belongs
from services.openpitrix.parts import Parts
from services.openpitrix.queries import repo as queries
from services.openpitrix.rest.wording import IN_WORKSPACE, SUCCESS, V1, asked, listed
from services.openpitrix.shapes import repo as shapes
from services.openpitrix.shapes.listing import PARAMETERS
from services.openpitrix.shapes.repo import RepoAnswerShape, RepoIdShape, RepoShape, Wire


class RepoListShape(Wire):
    """A page of repositories."""

    items: list[RepoAnswerShape]
    total_count: int


async def create_repo(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Add a repository, once its index could be read; `validate=true` only looks. The user in its address is taken out
    of it and kept sealed.
    """
    wish = shapes.wish(await lenient_object(request))
    url, login = parted(wish.url or "")
    only_look = request.query.get("validate") in GO_TRUE
    workspace = _workspace(request)
    if not only_look:
        name = identity("repo", parts.desk.ids())
        wish = RepoWish(wish.name, url, wish.description, wish.period)
        made = repos.make(
            wish, identity=name, workspace=workspace, credential="", by=caller(request).user, at=parts.clock()
        )
    await _require_index(url, login, parts)
    if only_look:
        return web.json_response({"ok": True})
    made = made.model_copy(update={"credential": _sealed(login, name, parts)})
    await parts.store.transact(commands.add_repo, made, most=parts.settings.repos)
    parts.desk.bells.repos.ring()
    return web.json_response({"repo_id": name})


async def list_repos(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The workspace's repositories, or everybody's; the oldest first. Of the conditions `keyword` alone counts."""
    how = asked(request)
    found = await queries.repos_of(parts.store, _workspace(request))
    kept = [one for one in found if how.keyword in one.name.lower()]
    kept.sort(key=lambda one: (one.created_at, one.id), reverse=how.reverse)
    return listed(kept, how, lambda one: _shown(one, parts))


async def get_repo(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One repository."""
    return web.json_response(_shown(await _repo(request, parts), parts))


async def change_repo(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Change name, description, period or address; another address must have an index, and says how it is entered."""
    repo, wish = await _repo(request, parts), shapes.wish(await lenient_object(request))
    credential = ""
    if wish.url:
        url, login = parted(wish.url)
        await _require_index(url, login, parts)
        wish = RepoWish(wish.name, url, wish.description, wish.period)
        credential = _sealed(login, repo.id, parts)
    try:
        await parts.store.transact(
            commands.change_repo,
            repo.id,
            wish,
            workspace=repo.workspace,
            credential=credential,
            by=caller(request).user,
            at=parts.clock(),
        )
    except Exists as fault:
        raise Malformed(fault.slug, fault.text) from None
    parts.desk.bells.repos.ring()
    return web.json_response(SUCCESS)


async def delete_repo(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Forget a repository with its apps; releases of them stay. One that isn't there is passed over."""
    name, workspace = request.match_info["repo"], _workspace(request)
    await parts.store.transact(commands.delete_repo, name, workspace=workspace, by=caller(request).user)
    parts.desk.bells.swept.ring()
    return web.json_response(SUCCESS)


async def act_on_repo(request: web.Request, parts: Parts) -> web.StreamResponse:
    """`{"action": "index"}`: read the index again, within a minute of the last time when that has passed."""
    body = await lenient_object(request)
    if body.get("action") != "index":
        raise Malformed("repo-action", 'the action of a repository is "index"')
    repo = await _repo(request, parts)
    await parts.store.transact(commands.ask_sync, repo.id, workspace=repo.workspace, at=parts.clock())
    parts.desk.bells.repos.ring()
    return web.json_response(SUCCESS)


async def list_events(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The last ten readings of the index, the newest first, each with why it failed."""
    how, repo = asked(request), await _repo(request, parts)
    return listed(repo.events, how, lambda one: shapes.event(repo, one))


async def _require_index(url: str, login: Login | None, parts: Parts) -> None:
    """Raise `Malformed` saying why there is no index to be read at this address."""
    try:
        await parts.desk.charts.index(url, login)
    except Fault as fault:
        raise Malformed("repo-index", fault.public or fault.text) from None


async def _repo(request: web.Request, parts: Parts) -> Repo:
    return await queries.get_repo(parts.store, request.match_info["repo"], _workspace(request))


def _workspace(request: web.Request) -> str:
    return request.match_info.get("workspace", "")


def _sealed(login: Login | None, repo: str, parts: Parts) -> str:
    return parts.desk.sealer.seal(written(login), belongs(repo)) if login else ""


def _shown(repo: Repo, parts: Parts) -> dict[str, object]:
    try:
        login = parts.desk.packages.login(repo)
    except Broken:  # sealed with a key that is gone: the rest of the repository is still to be seen
        login = None
    return shapes.shown(repo, login)


def _routes(at: str) -> tuple[Route, ...]:
    many, one, tags = at + "/repos", at + "/repos/{repo}", ("repos",)
    validate = (("validate", "true: only look whether there is an index"),)
    return (
        Route("POST", many, create_repo, tags=tags, body=RepoShape, answer=RepoIdShape, parameters=validate),
        Route("GET", many, list_repos, tags=tags, answer=RepoListShape, parameters=PARAMETERS),
        Route("GET", one, get_repo, tags=tags, answer=RepoAnswerShape),
        Route("PATCH", one, change_repo, tags=tags, body=RepoShape, answer=Done),
        Route("DELETE", one, delete_repo, tags=tags, answer=Done),
        Route("POST", one + "/action", act_on_repo, tags=tags, answer=Done),
        Route("GET", one + "/events", list_events, tags=tags, parameters=PARAMETERS),
    )


ROUTES = (*_routes(V1), *_routes(IN_WORKSPACE))
