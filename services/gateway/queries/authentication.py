"""Who is calling (iam-gateway 3.1): the token's or password's truth, then the account as the index knows it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from libs.shared.errors import Unauthenticated
from libs.shared.values import Clock, Secret
from services.gateway.domain.audit import Peer
from services.gateway.domain.caller import AUTHENTICATED, NOBODY, PRE_REGISTRATION, Caller
from services.gateway.domain.credentials import Basic, Bearer, Credentials, Nothing
from services.gateway.domain.index import Index, User
from services.gateway.domain.passwords import Passwords
from services.gateway.domain.token import Claims, key_of, read_token, refused, require_current
from services.gateway.domain.tokens import Tokens


class Accounts(Protocol):
    """What accounts is asked."""

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        """The public key of this id."""
        ...

    @property
    def kids(self) -> frozenset[str]:
        """The ids of the keys that count."""
        ...

    def alone(self, credentials: bytes) -> AbstractAsyncContextManager[None]:
        """One at a time with these credentials."""
        ...

    async def verify(self, username: str, password: Secret, source_ip: str, user_agent: str) -> str:
        """The user whose password this is."""
        ...


async def authenticate(
    offered: Credentials,
    peer: Peer,
    *,
    index: Index,
    tokens: Tokens,
    passwords: Passwords,
    accounts: Accounts,
    issuer: str,
    clock: Clock,
    skew: timedelta,
) -> Caller:
    """The caller. Raises `Unauthenticated` with the original's words, `Limited` after too many wrong passwords, and
    `Busy` when accounts can't be asked.
    """
    match offered:
        case Nothing():
            return NOBODY
        case Bearer(token):
            claims = await _verified(token, tokens, accounts, issuer)
            require_current(claims, clock(), skew)
            if claims.session in index.ended:
                raise refused("ended", "token not found in cache")
            return _bearer(claims, index)
        case Basic(username, password):
            user = passwords.look(username, password, clock.monotonic())
            if user is None:
                user = await _proven(offered, peer, passwords, accounts, clock)
            known = _account(user, index)
            return Caller.of(user, (*known.groups, AUTHENTICATED))


async def _proven(offered: Basic, peer: Peer, passwords: Passwords, accounts: Accounts, clock: Clock) -> str:
    """The user, asked of accounts: once for equal credentials that come at the same time and are right."""
    username, password = offered.username, offered.password
    async with accounts.alone(passwords.digest(username, password)):
        cuts = passwords.cuts
        user = passwords.look(username, password, clock.monotonic())
        if user is None:
            user = await accounts.verify(username, password, peer.address, peer.agent)
            passwords.note(username, password, user, clock.monotonic(), cuts)
        return user


async def _verified(token: str, tokens: Tokens, accounts: Accounts, issuer: str) -> Claims:
    claims = tokens.look(token)
    if claims is not None and claims.kid in accounts.kids:
        await accounts.key(claims.kid)
        if claims.kid in accounts.kids:
            return claims
    kid = key_of(token)
    key = await accounts.key(kid)
    if key is None:
        raise refused("key", "token is signed with a key that is not known")
    claims = read_token(token, kid, key, issuer)
    tokens.note(token, claims)
    return claims


def _bearer(claims: Claims, index: Index) -> Caller:
    if claims.user == PRE_REGISTRATION:
        groups: tuple[str, ...] = ()
    else:
        groups = (*_account(claims.user, index).groups, AUTHENTICATED)
    return Caller.of(claims.user, groups, session=claims.session, expires=claims.expires, extra=claims.extra)


def _account(name: str, index: Index) -> User:
    """The account, which must stand and be open: what a token says about it is what was true when it was issued."""
    user = index.users.get(name)
    if user is None:
        raise Unauthenticated("user-unknown", f'user.iam.kubesphere.io "{name}" not found')
    if not user.active:
        raise Unauthenticated("user-disabled", "account is not active")
    return user


def still_active(caller: Caller, index: Index) -> bool:
    """Whether the caller would still be let in: for streams that are looked at anew."""
    if caller.session in index.ended:
        return False
    if not caller.signed_in:
        return True
    user = index.users.get(caller.user)
    return user is not None and user.active
