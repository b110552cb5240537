"""`/kapis/iam.kubesphere.io/v1alpha2/users` (spec 7.1, 4.8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from libs.shared.errors import Denied, Malformed
from libs.shared.http import listing
from libs.shared.http.answers import may
from libs.shared.http.identity import caller
from libs.shared.http.listing import Filter
from libs.shared.http.reading import lenient_object
from libs.shared.http.route import Route
from libs.shared.http.schemas import Done, Listed
from libs.shared.values import Secret
from services.accounts.commands import session as sessions
from services.accounts.commands import user as commands
from services.accounts.domain import password
from services.accounts.domain.login import From, Way
from services.accounts.domain.resource import USERS
from services.accounts.domain.user import GLOBAL_ROLE, ORIGIN, PROVIDER, User, UserWish
from services.accounts.parts import (
    DELETES_USERS,
    EVERYTHING,
    LISTS_MEMBERS,
    MANAGES_USERS,
    READS_USERS,
    SETS_PASSWORDS,
    Parts,
)
from services.accounts.queries import member as members
from services.accounts.queries import user as queries
from services.accounts.rest.attempting import attempted
from services.accounts.rest.granting import vet, vet_groups, vet_person
from services.accounts.rest.lists import listed
from services.accounts.shapes import role as role_shapes
from services.accounts.shapes import user as shapes
from services.accounts.shapes.metadata import JsonObject
from services.accounts.shapes.role import RoleShape
from services.accounts.shapes.user import LoginRecordShape, PasswordShape, UserShape

V = "/kapis/iam.kubesphere.io/v1alpha2/users"
PRE_REGISTRATION = "system:pre-registration"
SUCCESS: Mapping[str, str] = {"message": "success"}


async def list_users(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Users with their global roles; besides the usual filters `email`, `ingroup`, `notingroup`, `globalrole`,
    `workspace` with `workspacerole`. Who may list but not read users (a picker in the console) sees nobody's role but
    his own; a workspace's members are told to who may list them (spec 13).
    """
    roles = await queries.global_roles(parts.store)
    who = caller(request)
    if who.answers.get(READS_USERS.name) is not True:
        roles = {name: role for name, role in roles.items() if name == who.user}
    workspace = request.query.get("workspace", "")
    if workspace:
        if not all(await may(request, (replace(LISTS_MEMBERS, workspace=workspace),))):
            raise Denied("members", f'User "{who.user}" cannot list the members of the workspace "{workspace}"')
        found = await members.members(parts.store, workspace)
        items = [shapes.user(m.user, global_role=roles.get(m.user.name, ""), workspace_role=m.role) for m in found]
    else:
        items = [shapes.user(user, global_role=roles.get(user.name, "")) for user in await queries.users(parts.store)]
    return listed(request, items, FILTERS)


async def create_user(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Make a user; the annotation `iam.kubesphere.io/globalrole` names the role that is bound to him."""
    body = await lenient_object(request)
    wish = _registering(request, shapes.user_wish(body))
    if wish.global_role:
        await vet(
            request, await queries.granted(parts.store, wish.global_role), what=f'globalrole "{wish.global_role}"'
        )
    await vet_groups(request, wish.groups, parts)
    given = shapes.password(body)
    if given is not None:
        password.check(wish.name, given)
    hashed = await parts.passwords.hash(given) if given is not None else None
    user = await parts.store.transact(
        commands.create_user, wish, hashed, uid=parts.ids(), by=caller(request).user, at=parts.clock()
    )
    return web.json_response(shapes.user(user))


async def get_user(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One user with his global role. An unknown one is 404 (KubeSphere: 500, spec 13)."""
    return web.json_response(await _shown(await queries.user(parts.store, request.match_info["user"]), parts))


async def change_user(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Replace what is said of a user; `status.state` enables and disables, the annotation changes the global role."""
    body = await lenient_object(request)
    wish = shapes.user_wish(body)
    check_name(request.match_info["user"], wish.name)
    manager = caller(request).answers.get(MANAGES_USERS.name) is True
    if manager:
        await _vet_change(request, wish, parts)
    if wish.global_role and wish.global_role != await queries.global_role(parts.store, wish.name):
        await vet(
            request, await queries.granted(parts.store, wish.global_role), what=f'globalrole "{wish.global_role}"'
        )
    user = await parts.store.transact(
        commands.change_user,
        wish,
        shapes.version(body),
        by=caller(request).user,
        manager=manager,
        uid=parts.ids(),
        at=parts.clock(),
    )
    return web.json_response(await _shown(user, parts))


async def delete_user(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Remove a user with all that hangs on him. Nobody removes himself without the right to remove users."""
    name, who = request.match_info["user"], caller(request)
    if who.answers.get(DELETES_USERS.name) is not True:
        raise USERS.denied(name, f'User "{who.user}" may not delete users')
    await vet_person(request, name, parts)
    await parts.store.transact(commands.delete_user, name, by=who.user)
    return web.json_response(SUCCESS)


async def set_password(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Change a password. Who may set others' passwords needs no old one; a wrong old one counts as a failed sign-in."""
    name, who = request.match_info["user"], caller(request)
    old, new = shapes.passwords(await lenient_object(request))
    password.check(name, new)
    manager = who.answers.get(SETS_PASSWORDS.name) is True
    if manager:
        await vet_person(request, name, parts)
    proven = None if manager else await _proven(request, name, old, parts)
    await parts.store.transact(
        commands.set_password,
        name,
        await parts.passwords.hash(new),
        proven=proven,
        by=who.user,
        session=who.session if who.user == name else "",
        at=parts.clock(),
    )
    return web.json_response(SUCCESS)


async def list_login_records(request: web.Request, parts: Parts) -> web.StreamResponse:
    """How a user's attempts to sign in ended; filter `type`."""
    records = await queries.login_records(parts.store, request.match_info["user"])
    return listed(request, [shapes.login_record(record) for record in records], RECORD_FILTERS)


async def list_global_templates(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The templates that a user's global role is made of, as a bare list: the console works out his menus from them."""
    found = await queries.global_templates(parts.store, request.match_info["user"])
    return web.json_response([role_shapes.role(template) for template in found])


def check_name(path: str, body: str) -> None:
    """Raise `Malformed` where an object is PUT under another name."""
    if path != body:
        text = f"the name of the object ({body}) does not match the name on the URL ({path})"
        raise Malformed("name-mismatch", text)


async def _vet_change(request: web.Request, wish: UserWish, parts: Parts) -> None:
    """Whom it is about must be allowed no more than the caller, nor be by the groups that he comes into."""
    await vet_person(request, wish.name, parts)
    before = await queries.found(parts.store, wish.name)
    await vet_groups(request, sorted(set(wish.groups) - set(before.groups if before else ())), parts)


async def _shown(user: User, parts: Parts) -> JsonObject:
    return shapes.user(user, global_role=await queries.global_role(parts.store, user.name))


async def _proven(request: web.Request, name: str, old: Secret, parts: Parts) -> Secret | None:
    """The hash that the old password was verified against; a wrong one counts as a failed attempt to sign in."""
    who = caller(request)
    async with attempted(parts, name, old, who.source_ip) as looked:
        reserved, right = looked.reserved, looked.verdict.right
        if reserved is not None and right:
            await parts.store.transact(sessions.release_attempt, reserved)
        elif reserved is not None:
            source = From(who.source_ip, who.user_agent, Way.PASSWORD)
            await parts.store.transact(sessions.settle_failure, reserved, source, at=parts.clock(), limits=parts.limits)
    if reserved is None:
        raise USERS.unknown(name)
    if right:
        return reserved.hash
    raise Malformed("old-password", "incorrect old password")


def _registering(request: web.Request, wish: UserWish) -> UserWish:
    """Somebody whom an identity provider vouches for and who has no account yet makes his own: it is linked to that
    identity, and gets no role (spec 7.1).
    """
    who = caller(request)
    if who.user != PRE_REGISTRATION:
        return wish
    provider, uid = who.extra.get("idp", ()), who.extra.get("uid", ())
    if not provider or not uid:
        raise Malformed("identity-missing", "the token names no identity to register")
    return UserWish(
        name=wish.name,
        email=wish.email,
        lang=wish.lang,
        display_name=wish.display_name,
        labels={PROVIDER: provider[0], ORIGIN: uid[0]},
    )


def _groups(item: Mapping[str, Any]) -> list[str]:
    groups: list[str] = item["spec"].get("groups", [])
    return groups


def _annotations(item: Mapping[str, Any]) -> Mapping[str, str]:
    annotations: Mapping[str, str] = item["metadata"].get("annotations", {})
    return annotations


FILTERS: Mapping[str, Filter] = {
    "email": lambda item, value: item["spec"].get("email") == value,
    "ingroup": lambda item, value: value in _groups(item),
    "notingroup": lambda item, value: value not in _groups(item),
    "globalrole": lambda item, value: _annotations(item).get(GLOBAL_ROLE) == value,
    "workspacerole": lambda item, value: _annotations(item).get(shapes.WORKSPACE_ROLE) == value,
    "workspace": lambda _item, _value: True,
}
RECORD_FILTERS: Mapping[str, Filter] = {"type": lambda item, value: item["spec"]["type"] == value}
PARAMETERS = (
    *listing.PARAMETERS,
    ("email", "only the one with this e-mail address"),
    ("ingroup", "only those in this group"),
    ("notingroup", "only those who are not in this group"),
    ("globalrole", "only those with this global role"),
    ("workspace", "only members of this workspace"),
    ("workspacerole", "only those with this role of the workspace"),
)
RECORD_PARAMETERS = (*listing.PARAMETERS, ("type", "only this way of signing in: Token or Password"))
TAGS = ("users",)
ROUTES = (
    Route("GET", V, list_users, questions=(READS_USERS,), tags=TAGS, answer=Listed[UserShape], parameters=PARAMETERS),
    Route("POST", V, create_user, questions=(EVERYTHING,), tags=TAGS, body=UserShape, answer=UserShape),
    Route("GET", V + "/{user}", get_user, tags=TAGS, answer=UserShape),
    Route(
        "PUT",
        V + "/{user}",
        change_user,
        questions=(MANAGES_USERS, EVERYTHING),
        tags=TAGS,
        body=UserShape,
        answer=UserShape,
    ),
    Route("DELETE", V + "/{user}", delete_user, questions=(DELETES_USERS, EVERYTHING), tags=TAGS, answer=Done),
    Route(
        "PUT",
        V + "/{user}/password",
        set_password,
        questions=(SETS_PASSWORDS, EVERYTHING),
        tags=TAGS,
        body=PasswordShape,
        answer=Done,
    ),
    Route(
        "GET",
        V + "/{user}/loginrecords",
        list_login_records,
        tags=TAGS,
        answer=Listed[LoginRecordShape],
        parameters=RECORD_PARAMETERS,
    ),
    Route("GET", V + "/{user}/globalroles", list_global_templates, tags=TAGS, answer=list[RoleShape]),
)
