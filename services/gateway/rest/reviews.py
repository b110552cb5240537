"""What a service asks of the index on a caller's behalf, where a signed header is too small or the question too new."""

from __future__ import annotations

from aiohttp import web

from libs.shared.errors import Missing
from libs.shared.http.identity import Identity, caller
from libs.shared.http.reading import strict
from libs.shared.http.route import Access, Dialect, May, Route, Where
from services.gateway import shapes
from services.gateway.domain.attributes import Attributes, Scope
from services.gateway.domain.caller import AUTHENTICATED, Caller
from services.gateway.domain.holding import holds
from services.gateway.domain.rules import Rule
from services.gateway.parts import Parts
from services.gateway.queries.answers import may, mine, where
from services.gateway.rest.admission import require_fresh


async def review(request: web.Request, parts: Parts) -> web.Response:
    """Answers about the caller whose identity the service passes on, as of now."""
    require_fresh(parts)
    asked = await strict(request, shapes.ReviewShape)
    who, index = _caller(caller(request)), parts.memory.believe(parts.clock.monotonic())
    found = shapes.ReviewedShape(
        may=[may(index, who, _may(one), {}, one.name) for one in asked.may],
        mine=[mine(index, who, one.of) for one in asked.mine],
        where=[where(index, who, Where("", one.verb, one.resource, one.group)) for one in asked.where],
        holds=[holds(index, who, [_rule(rule) for rule in one.rules], _at(one)) for one in asked.holds],
    )
    return web.json_response(found.model_dump())


async def review_user(request: web.Request, parts: Parts) -> web.Response:
    """Answers about a user who isn't here, for a service that acts for him later: as of now. 404 for an account that
    is disabled or gone.
    """
    require_fresh(parts)
    asked, index = await strict(request, shapes.SightShape), parts.memory.believe(parts.clock.monotonic())
    user = index.users.get(asked.user)
    if user is None or not user.active:
        raise Missing("no-user", f"no active account is called {asked.user}", resource="users", name=asked.user)
    who = Caller.of(user.name, (*user.groups, AUTHENTICATED))
    found = shapes.ReviewedShape(
        may=[may(index, who, _may(one), {}, one.name) for one in asked.may],
        mine=[mine(index, who, one.of) for one in asked.mine],
        where=[where(index, who, Where("", one.verb, one.resource, one.group)) for one in asked.where],
        holds=[],
    )
    return web.json_response(found.model_dump())


def _caller(identity: Identity) -> Caller:
    return Caller.of(identity.user, identity.groups, session=identity.session, extra=identity.extra)


def _may(asked: shapes.MayShape) -> May:
    return May("", asked.verb, asked.resource, asked.group, asked.scope, asked.workspace, asked.namespace)


def _at(asked: shapes.HoldsShape) -> Attributes:
    """The place, as a request there has it; the innermost that is named, unless it says which."""
    named = (
        (asked.namespace, Scope.NAMESPACE),
        (asked.devops, Scope.DEVOPS),
        (asked.workspace, Scope.WORKSPACE),
    )
    scope = Scope(asked.scope) or next((scope for name, scope in named if name), Scope.GLOBAL)
    return Attributes(
        verb="",
        path="",
        workspace=asked.workspace,
        namespace=asked.namespace,
        devops=asked.devops,
        scope=scope,
        resource_request=True,
    )


def _rule(rule: shapes.RuleShape) -> Rule:
    return Rule.of(rule.verbs, rule.api_groups, rule.resources, rule.resource_names, rule.non_resource_urls)


ROUTES = (
    Route(
        "POST",
        "/internal/gateway/v1/reviews",
        review,
        access=Access.INTERNAL,
        dialect=Dialect.ORRERY,
        forwarded=True,
        body=shapes.ReviewShape,
        answer=shapes.ReviewedShape,
    ),
    Route(
        "POST",
        "/internal/gateway/v1/sights",
        review_user,
        access=Access.INTERNAL,
        dialect=Dialect.ORRERY,
        body=shapes.SightShape,
        answer=shapes.ReviewedShape,
    ),
)
