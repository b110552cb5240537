"""`/kapis/iam.kubesphere.io/v1alpha2/namespaces/{namespace}/members`: RoleBindings as members (iam-gateway 7.2)."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from libs.shared.bell import Bell
from libs.shared.errors import Busy, Missing
from libs.shared.http.listing import PARAMETERS, last, listed
from libs.shared.http.reading import lenient, lenient_object
from libs.shared.http.route import Route
from libs.shared.http.schemas import Done, Listed
from libs.shared.objects.shapes import ObjectShape
from services.cluster.clients import kube
from services.cluster.commands import member as commands
from services.cluster.domain import member, project, resource
from services.cluster.domain.member import Invitation
from services.cluster.domain.resource import ROLE_BINDINGS, ROLES, JsonObject
from services.cluster.domain.shelf import Key, key_of
from services.cluster.domain.wish import NOTHING, others
from services.cluster.parts import Parts, followed
from services.cluster.rest.granting import EVERYTHING, rules_of, vet, vet_member
from services.cluster.rest.showing import shown
from services.cluster.shapes import members as shapes
from services.cluster.shapes.members import MemberShape, MemberUserShape
from services.cluster.shapes.roles import aggregated, is_template, unknown_role

V = "/kapis/iam.kubesphere.io/v1alpha2/namespaces/{namespace}/members"
SUCCESS: Mapping[str, str] = {"message": "success"}


async def list_members(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Users whom a role of the project is bound to by name, with that role; filter `role`."""
    roles = member.roles_by_user(_bindings(request, parts))
    people = await parts.people.named(roles)
    found = [shapes.user(people[name], role) for name, role in roles.items() if name in people]
    return web.json_response(listed(found, last(request.query.items()), filters=shapes.FILTERS))


async def get_member(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One member with his role."""
    name = request.match_info["member"]
    role = member.roles_by_user(_bindings(request, parts)).get(name)
    people = await parts.people.named([name]) if role is not None else {}
    if role is None or name not in people:
        text = f'user.iam.kubesphere.io "{name}" not found'
        raise Missing("member-missing", text, resource="users", name=name)
    return web.json_response(shapes.user(people[name], role))


async def invite_members(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Give each of these users this role; a member gets another role."""
    invitations = shapes.invitations(await lenient(request))
    for given in dict.fromkeys(invitations):
        await _vet(request, given, parts)
    for given in dict.fromkeys(invitations):
        await _invite(request, given, parts)
    return web.json_response([shapes.shown(given) for given in invitations])


async def change_member(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Give a member another role. The name in the path is whom it is about."""
    given = shapes.invitation(await lenient_object(request))
    wanted = Invitation(request.match_info["member"], given.role)
    await _vet(request, wanted, parts)
    await _invite(request, wanted, parts)
    return web.json_response(shapes.shown(given))


async def remove_member(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Take every role in the project from a user; whoever is no member is passed over."""
    name = request.match_info["member"]
    await vet_member(request, name, parts)
    await _wish(request, Invitation(name, NOTHING), parts)
    return web.json_response(dict(SUCCESS))


async def list_member_templates(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The templates that a member's roles are made of, as a bare list: the console works out his menus from them."""
    namespace, name = request.match_info["namespace"], request.match_info["member"]
    people = await parts.people.named([name])
    groups = ((people.get(name) or {}).get("spec") or {}).get("groups") or ()
    found: dict[str, JsonObject] = {}
    for kind, called in member.held(_bindings(request, parts), name, groups):
        role = followed(parts).get(Key(ROLES.plural, namespace, called)) if kind == ROLES.kind else None
        for template in aggregated(role or {}):
            part = followed(parts).get(Key(ROLES.plural, namespace, template))
            if part is not None and is_template(part):
                found.setdefault(template, part)
    return await shown(list(found.values()))


def _bindings(request: web.Request, parts: Parts) -> list[JsonObject]:
    return followed(parts).all(ROLE_BINDINGS.plural, request.match_info["namespace"])


async def _vet(request: web.Request, given: Invitation, parts: Parts) -> None:
    """The role must stand, and neither it nor what the user has may be more than the caller holds."""
    rules = rules_of(parts, request.match_info["namespace"], ROLES.kind, given.role)
    if rules is None:
        raise unknown_role(given.role)
    await vet(request, rules, f'role "{given.role}"')
    await vet_member(request, given.user, parts)


async def _invite(request: web.Request, given: Invitation, parts: Parts) -> None:
    """Bind whoever is no member yet: one write. Who is one gets another role by a wish."""
    mine = member.of(_bindings(request, parts), given.user)
    if mine:
        await _wish(request, given, parts)
        return
    made = await kube.bind(parts.kube, project.binding(request.match_info["namespace"], given.user, given.role))
    parts.shelf.take(ROLE_BINDINGS.plural, made)
    await parts.work.facts.name(key_of(ROLE_BINDINGS, made))


async def _wish(request: web.Request, given: Invitation, parts: Parts) -> None:
    """Have this role, or none, take the place of what the member has; nothing where that is so already."""
    namespace = request.match_info["namespace"]
    other = others(_bindings(request, parts), given.user, given.role)
    if other:
        uids = [resource.uid(binding) for binding in other]
        await parts.store.transact(commands.wish_role, namespace, given.user, given.role, uids)
        await _settled(namespace, given, parts)
        now = member.of(_bindings(request, parts), given.user)
        await parts.work.facts.name(*(key_of(ROLE_BINDINGS, binding) for binding in (*other, *now)))


async def _settled(namespace: str, given: Invitation, parts: Parts) -> None:
    """Return when the wish has been seen through; raises `Busy` when that takes long. It stays wished for."""
    bell = Bell(parts.clock)
    until = parts.clock.monotonic() + parts.settings.settle_seconds
    with parts.shelf.heard(frozenset({ROLE_BINDINGS.plural}), bell.ring):
        parts.shelf.tell(Key(ROLE_BINDINGS.plural, namespace, given.user))
        while others(followed(parts).all(ROLE_BINDINGS.plural, namespace), given.user, given.role):
            rest = until - parts.clock.monotonic()
            if rest <= 0:
                text = f'what was wished for member "{given.user}" is not done yet: the cluster is slow'
                raise Busy("member-settling", text, retry_after=1)
            await bell.wait(rest)


TAGS = ("members",)
ASKS = (EVERYTHING,)
ROUTES = (
    Route("GET", V, list_members, tags=TAGS, answer=Listed[MemberUserShape], parameters=PARAMETERS),
    Route("POST", V, invite_members, questions=ASKS, tags=TAGS, body=list[MemberShape], answer=list[MemberShape]),
    Route("GET", V + "/{member}", get_member, tags=TAGS, answer=MemberUserShape),
    Route("PUT", V + "/{member}", change_member, questions=ASKS, tags=TAGS, body=MemberShape, answer=MemberShape),
    Route("DELETE", V + "/{member}", remove_member, questions=ASKS, tags=TAGS, answer=Done),
    Route("GET", V + "/{member}/roles", list_member_templates, tags=TAGS, answer=list[ObjectShape]),
)
