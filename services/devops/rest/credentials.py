"""Credentials of a project: written in the clear, read masked (devops-apps-mesh 6)."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from libs.shared.http.identity import caller
from libs.shared.http.listing import PARAMETERS
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import Route
from libs.shared.http.schemas import Done, Listed
from libs.shared.values import Secret
from services.devops.commands import credential as commands
from services.devops.domain.credential import Credential, CredentialWish, belongs
from services.devops.domain.project import Project
from services.devops.parts import Parts
from services.devops.queries import credential as queries
from services.devops.queries import project as projects
from services.devops.rest.wording import SUCCESS, V3, listed, plain
from services.devops.shapes import credential as shapes
from services.devops.shapes.credential import CredentialShape, Sent


async def list_credentials(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The credentials of the project."""
    project = await _project(request, parts)
    found = await queries.credentials(parts.store, project.name)
    return listed(request, [shapes.credential(one) for one in found])


async def create_credential(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Keep a credential, sealed."""
    sent, project = shapes.sent(await lenient_object(request)), await _project(request, parts)
    kept = await parts.store.transact(
        commands.create_credential,
        project.name,
        sealed(sent, project, parts),
        uid=parts.ids(),
        by=caller(request).user,
        at=parts.clock(),
    )
    return web.json_response(shapes.credential(kept, fresh=True))


async def get_credential(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One credential, masked."""
    project = await _project(request, parts)
    return web.json_response(shapes.credential(await _found(request, project, parts)))


async def change_credential(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Replace a credential; a value that is sent empty, as it is read, stays what it was."""
    sent, project = shapes.sent(await lenient_object(request)), await _project(request, parts)
    await _found(request, project, parts)
    sent = replace(sent, wish=replace(sent.wish, name=request.match_info["credential"]))
    kept = await parts.store.transact(
        commands.change_credential, project.name, sealed(sent, project, parts), by=caller(request).user
    )
    return web.json_response(shapes.credential(kept))


async def delete_credential(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Remove a credential: runs that come to need it fail with that reason."""
    project = await _project(request, parts)
    await parts.store.transact(
        commands.delete_credential, project.name, request.match_info["credential"], by=caller(request).user
    )
    return web.json_response(SUCCESS)


def sealed(sent: Sent, project: Project, parts: Parts) -> CredentialWish:
    """The wish with everything sealed that isn't shown."""
    wish = sent.wish
    shown = {key: text for key, text in sent.parts.items() if shapes.readable(wish.type, key)}
    rest = {
        key: parts.works.sealer.seal(Secret(text), belongs(project, wish.name, key)) if text else ""
        for key, text in sent.parts.items()
        if key not in shown
    }
    return replace(wish, shown=shown, sealed=rest)


async def _project(request: web.Request, parts: Parts) -> Project:
    return await projects.project(parts.store, request.match_info["devops"])


async def _found(request: web.Request, project: Project, parts: Parts) -> Credential:
    return await queries.credential(parts.store, project.name, request.match_info["credential"])


MANY = V3 + "/devops/{devops}/credentials"
ONE = MANY + "/{credential}"
TAGS = ("credentials",)
ROUTES = (
    Route("GET", MANY, plain(list_credentials), tags=TAGS, answer=Listed[CredentialShape], parameters=PARAMETERS),
    Route("POST", MANY, plain(create_credential), tags=TAGS, body=CredentialShape, answer=CredentialShape),
    Route("GET", ONE, plain(get_credential), tags=TAGS, answer=CredentialShape),
    Route("PUT", ONE, plain(change_credential), tags=TAGS, body=CredentialShape, answer=CredentialShape),
    Route("DELETE", ONE, plain(delete_credential), tags=TAGS, answer=Done),
)
