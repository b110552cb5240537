"""Kubernetes' own questions about oneself (`kubectl auth can-i`, `whoami`), answered by what decides here: the cluster
would answer for a stranger, since it holds none of our roles.
"""

from __future__ import annotations

from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from libs.shared.errors import Invalid
from libs.shared.http.identity import Identity
from libs.shared.http.identity import caller as identity_of
from libs.shared.http.reading import raw_body, strict
from libs.shared.http.route import Access, Dialect, Route
from services.gateway import shapes
from services.gateway.domain.attributes import Attributes, Scope, wished
from services.gateway.domain.caller import Caller
from services.gateway.domain.cluster import READING, discovers
from services.gateway.domain.decision import allowed, open_to_all, rules_at
from services.gateway.domain.index import Index
from services.gateway.parts import Parts
from services.gateway.rest.admission import require_fresh
from services.gateway.shapes import protobuf

AUTHORIZATION = "/apis/authorization.k8s.io/v1"
AUTHENTICATION = "/apis/authentication.k8s.io/v1"
R = TypeVar("R", bound=shapes.Review)
BEYOND = "what the role authenticated allows beyond its rules is not listed"


async def review_access(request: web.Request, parts: Parts) -> web.Response:
    """Whether the caller may do this."""
    asked = await _review(request, shapes.AccessReview)
    who, index = _asking(request, parts)
    spec = asked.spec
    if spec.resource is not None:
        may = allowed(index, who, wished(**spec.resource.model_dump(exclude={"version"})))
    else:
        may = spec.path is not None and _may_path(index, who, spec.path.verb.upper(), spec.path.path)
    status = {"allowed": may, **({} if may else {"reason": "no role of the caller allows it"})}
    return _made(asked, status)


async def review_rules(request: web.Request, parts: Parts) -> web.Response:
    """The rules that count for the caller in a namespace."""
    asked = await _review(request, shapes.RulesReview)
    who, index = _asking(request, parts)
    rules, beyond = rules_at(index, who, wished("", "", namespace=asked.spec.namespace))
    found = [shapes.rule(rule) for rule in rules]
    status = {
        "resourceRules": [rule for rule in found if "nonResourceURLs" not in rule],
        "nonResourceRules": [rule for rule in found if "nonResourceURLs" in rule],
        "incomplete": beyond,
        **({"evaluationError": BEYOND} if beyond else {}),
    }
    return _made(asked, status)


async def review_oneself(request: web.Request, _parts: Parts) -> web.Response:
    """Who the caller is."""
    asked, who = await _review(request, shapes.SelfReview), identity_of(request)
    info = {"username": who.user, "groups": list(who.groups), "extra": {key: list(v) for key, v in who.extra.items()}}
    return _made(asked, {"userInfo": {key: value for key, value in info.items() if value}})


async def _review(request: web.Request, shape: type[R]) -> R:
    """The body, in JSON or in Kubernetes' protobuf. Raises `Malformed`, `Invalid`, `Unsupported`."""
    if request.content_type != protobuf.MEDIA:
        return await strict(request, shape)
    try:
        return shape.model_validate(protobuf.read(await raw_body(request)))
    except ValidationError:
        raise Invalid("review", f"the body is no {shape.__name__} of the kind that is asked for here") from None


def _asking(request: web.Request, parts: Parts) -> tuple[Caller, Index]:
    require_fresh(parts)
    who: Identity = identity_of(request)
    caller = Caller.of(who.user, who.groups, session=who.session, extra=who.extra)
    return caller, parts.memory.believe(parts.clock.monotonic())


def _may_path(index: Index, who: Caller, method: str, path: str) -> bool:
    if open_to_all(path) or (method in READING and discovers(path.strip("/").split("/"))):
        return True
    return allowed(index, who, Attributes(method, path, scope=Scope.NONE))


def _made(asked: BaseModel, status: dict[str, Any]) -> web.Response:
    return web.json_response({**asked.model_dump(by_alias=True, exclude_unset=True), "status": status}, status=201)


TAGS = ("permissions",)
ROUTES = tuple(
    Route(
        "POST",
        path,
        handler,
        access=Access.SIGNED_IN,
        dialect=Dialect.KUBERNETES,
        body=shape,
        status=201,
        tags=TAGS,
    )
    for path, handler, shape in (
        (f"{AUTHORIZATION}/selfsubjectaccessreviews", review_access, shapes.AccessReview),
        (f"{AUTHORIZATION}/selfsubjectrulesreviews", review_rules, shapes.RulesReview),
        (f"{AUTHENTICATION}/selfsubjectreviews", review_oneself, shapes.SelfReview),
    )
)
