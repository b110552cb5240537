"""The OAuth server: `/oauth/token`, `logout`, `userinfo`, `keys` and discovery (spec 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from yarl import URL

from libs.shared.errors import Limited, Malformed, Unauthenticated
from libs.shared.http import faults
from libs.shared.http.identity import caller
from libs.shared.http.reading import FORM, form
from libs.shared.http.route import Access, Dialect, Route
from libs.shared.http.schemas import Done
from libs.shared.values import Secret
from services.accounts.commands import session as commands
from services.accounts.commands.session import Outcome
from services.accounts.domain import login, session
from services.accounts.domain.login import From, Way
from services.accounts.domain.session import Kind, Session
from services.accounts.parts import Parts
from services.accounts.queries import user as users
from services.accounts.rest.attempting import attempted
from services.accounts.shapes import session as shapes
from services.accounts.shapes.session import ClaimsShape, DiscoveryShape, KeysShape, TokenForm, TokensShape

INVALID_GRANT = "invalid_grant"
ANONYMOUS = "system:anonymous"
NO_STORE: Mapping[str, str] = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""RFC 6749, section 5.1."""


async def token(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Tokens for a password, or for a refresh token (RFC 6749, sections 4.3 and 6)."""
    if request.content_type != FORM:
        return faults.miss(415, Dialect.OAUTH, request.path)
    given = await form(request)
    _check_client(given, parts)
    match given.get("grant_type"):
        case "password":
            begun = await _by_password(request, given, parts)
        case "refresh_token":
            begun = await _by_refresh(given, parts)
        case _:
            raise Malformed("unsupported_grant_type", "")
    issuer, life = parts.settings.issuer, parts.life
    access, refresh = (
        parts.tokens.signed(session.claims(begun, kind, issuer=issuer, life=life))
        for kind in (Kind.ACCESS, Kind.REFRESH)
    )
    answer = shapes.tokens(access, refresh, parts.settings.access_seconds)
    return web.json_response(answer, headers=NO_STORE)


async def logout(request: web.Request, parts: Parts) -> web.StreamResponse:
    """End the session that the request was made in (KubeSphere ends all of the user's).

    A browser is sent on only to an address that the settings name: KubeSphere sends it anywhere (spec 13).
    """
    who = caller(request)
    if who.session:
        await parts.store.transact(commands.end_session, who.session, "logout")
    target = request.query.get("post_logout_redirect_uri", "")
    if target and target in parts.settings.redirect_uris:
        state = request.query.get("state")
        location = URL(target)
        raise web.HTTPFound(location.update_query(state=state) if state else location)
    return web.json_response({"message": "success"})


async def userinfo(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Claims about the signed-in user."""
    who = caller(request)
    if who.user == ANONYMOUS:
        raise Unauthenticated("login_required", "")
    return web.json_response(shapes.userinfo(await users.user(parts.store, who.user)))


async def keys(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The public keys that tokens are verified with (RFC 7517)."""
    del request
    return web.json_response(parts.tokens.keys())


async def discovery(request: web.Request, parts: Parts) -> web.StreamResponse:
    """What the server offers (OpenID Connect Discovery 1.0)."""
    del request
    return web.json_response(shapes.discovery(parts.settings.issuer))


async def attempt(parts: Parts, account: str, password: Secret, source: From) -> Outcome:
    """One attempt to sign in: reserved, looked at outside any unit, settled. Raises `Limited`, `Busy`.

    An unknown account takes as long as a wrong password.
    """
    async with attempted(parts, account, password, source.source_ip) as looked:
        if looked.reserved is None:
            return Outcome(refused=login.WRONG)
        if not looked.verdict.right:
            return await parts.store.transact(
                commands.settle_failure, looked.reserved, source, at=parts.clock(), limits=parts.limits
            )
        return await parts.store.transact(
            commands.settle_success,
            looked.reserved,
            source,
            better=looked.verdict.better,
            alone=not parts.settings.multiple_sessions,
            at=parts.clock(),
            life=parts.life,
        )


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a refresh token says: its session and its pair."""

    session: str
    pair: int


async def _by_password(request: web.Request, given: dict[str, str], parts: Parts) -> Session:
    who = caller(request)
    source = From(who.source_ip, who.user_agent, Way.TOKEN)
    try:
        outcome = await attempt(parts, given.get("username", ""), Secret(given.get("password", "")), source)
    except Limited as fault:
        raise Limited(INVALID_GRANT, fault.text, retry_after=fault.retry_after) from None
    if outcome.session is None:
        raise Malformed(INVALID_GRANT, outcome.refused)
    return outcome.session


async def _by_refresh(given: dict[str, str], parts: Parts) -> Session:
    shown = _read_refresh(given.get("refresh_token", ""), parts)
    found = await parts.store.transact(
        commands.refresh_session, shown.session, shown.pair, at=parts.clock(), life=parts.life
    )
    if found.session is None:
        raise Malformed(INVALID_GRANT, found.refused)
    return found.session


def _read_refresh(text: str, parts: Parts) -> _Shown:
    """Raise `Malformed` unless it is a refresh token of ours that hasn't expired."""
    try:
        said = parts.tokens.read(text)
    except Unauthenticated as fault:
        raise Malformed(INVALID_GRANT, fault.text) from None
    late = parts.clock().timestamp() - float(said.get("exp", 0))
    if said.get("token_type") != Kind.REFRESH:
        raise Malformed(INVALID_GRANT, f"invalid token type {said.get('token_type')}")
    if late >= 0:
        raise Malformed(INVALID_GRANT, f"token is expired by {late:.0f}s")
    return _Shown(str(said.get("sid", "")), session.pair_of(said))


def _check_client(given: dict[str, str], parts: Parts) -> None:
    if given.get("client_id", "") != parts.settings.client_id:
        raise Unauthenticated("invalid_client", "the OAuth client was not found")
    if not parts.settings.client_secret.same(given.get("client_secret", "")):
        raise Unauthenticated("invalid_client", "invalid client credential")


TAGS = ("oauth",)
ROUTES = (
    Route("POST", "/oauth/token", token, access=Access.PUBLIC, tags=TAGS, body=TokenForm, answer=TokensShape),
    Route("GET", "/oauth/logout", logout, access=Access.PUBLIC, tags=TAGS, answer=Done),
    Route("GET", "/oauth/userinfo", userinfo, access=Access.PUBLIC, tags=TAGS, answer=ClaimsShape),
    Route("GET", "/oauth/keys", keys, access=Access.PUBLIC, tags=TAGS, answer=KeysShape),
    Route(
        "GET",
        "/oauth/.well-known/openid-configuration",
        discovery,
        access=Access.PUBLIC,
        tags=TAGS,
        answer=DiscoveryShape,
    ),
)
