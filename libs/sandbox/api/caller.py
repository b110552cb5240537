"""Who asks: the holder of the token, or whom he speaks for; and what he may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from libs.sandbox.hooks import Attributes, Authorize
from libs.shared.errors import Denied, Malformed, Unauthenticated
from libs.shared.values import Secret

MASTERS: Final = "system:masters"
AUTHENTICATED: Final = "system:authenticated"
_ACCOUNT: Final = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class Caller:
    """A user and his groups."""

    user: str
    groups: tuple[str, ...]


ADMIN: Final = Caller("system:admin", (MASTERS, AUTHENTICATED))


def caller(request: web.BaseRequest, token: Secret) -> Caller:
    """Who asks; raises `Unauthenticated`, and `Malformed` for a group or extra without a user."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.same(given.strip()):
        raise Unauthenticated("token-wrong", "Unauthorized")
    user = request.headers.get("Impersonate-User", "")
    groups = tuple(request.headers.getall("Impersonate-Group", []))
    if not user:
        if any(name.lower().startswith("impersonate-") for name in request.headers):
            raise Malformed("impersonation-unreadable", "requested groups or extras without impersonating a user")
        return ADMIN
    if not groups and user.startswith(_ACCOUNT):
        namespace = user.removeprefix(_ACCOUNT).partition(":")[0]
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    if user != "system:anonymous" and AUTHENTICATED not in groups:
        groups = (*groups, AUTHENTICATED)
    return Caller(user, groups)


def allows(authorize: Authorize | None, who: Caller, what: Attributes) -> bool:
    """Whether he may: masters may everything, everybody else what the authorizer says."""
    return MASTERS in who.groups or (authorize is not None and authorize(who.user, who.groups, what))


def admit(authorize: Authorize | None, who: Caller, what: Attributes) -> None:
    """Raise `Denied` in Kubernetes' words where he may not."""
    if allows(authorize, who, what):
        return
    if not what.resource:
        text = f'forbidden: User "{who.user}" cannot {what.verb} path "{what.path}"'
        raise Denied("path-forbidden", text)
    resource = f"{what.resource}/{what.subresource}" if what.subresource else what.resource
    scope = f'in the namespace "{what.namespace}"' if what.namespace else "at the cluster scope"
    about = f"{what.resource}.{what.group}" if what.group else what.resource
    named = f' "{what.name}"' if what.name else ""
    text = (
        f'{about}{named} is forbidden: User "{who.user}" cannot {what.verb} resource "{resource}" '
        f'in API group "{what.group}" {scope}'
    )
    raise Denied("verb-forbidden", text, resource=about, name=what.name)


VERBS: Final[Mapping[str, tuple[str, str]]] = {
    "GET": ("get", "list"),
    "HEAD": ("get", "list"),
    "POST": ("create", "create"),
    "PUT": ("update", "update"),
    "PATCH": ("patch", "patch"),
    "DELETE": ("delete", "deletecollection"),
}
"""Method -> verb on one object, on a collection."""
