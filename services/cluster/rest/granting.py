"""Nobody hands on more than he has: looked at before a role of a project is made, changed or bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from aiohttp import web

from libs.shared.errors import Denied
from libs.shared.http.answers import may
from libs.shared.http.identity import caller
from libs.shared.http.route import May
from services.cluster.domain import member
from services.cluster.domain.resource import CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from services.cluster.domain.shelf import Key
from services.cluster.parts import Parts, followed

HERE = "Namespace"
EVERYTHING = May("everything", "*", "*", "*", HERE, namespace="{namespace}")
"""Who may do everything in a project can grant everything there."""
MOST = 500
"""Permissions that are asked about for one request."""


async def vet(request: web.Request, rules: Iterable[Mapping[str, Any]], what: str) -> None:
    """Raise `Denied` unless the caller may do in the project all that these rules allow. Paths that are no resources
    lie in no project: whoever may do everything there alone hands them on.
    """
    if caller(request).answers.get(EVERYTHING.name) is True:
        return
    rules = list(rules)
    asked = list(dict.fromkeys(permission for rule in rules for permission in _permissions(rule)))
    beyond = len(asked) > MOST or any(rule.get("nonResourceURLs") for rule in rules)
    if beyond or not all(await may(request, asked)):
        who = caller(request).user
        raise Denied("escalation", f'User "{who}" may not grant {what}: it allows more than they hold')


async def vet_member(request: web.Request, user: str, parts: Parts) -> None:
    """Raise `Denied` where another member is allowed more in the project than the caller, who would demote or remove
    him; oneself one may always.
    """
    if user != caller(request).user:
        namespace = request.match_info["namespace"]
        bindings = followed(parts).all(ROLE_BINDINGS.plural, namespace)
        rules = [
            rule
            for kind, name in member.held(bindings, user, ())
            for rule in rules_of(parts, namespace, kind, name) or ()
        ]
        await vet(request, rules, f'or take what member "{user}" has')


def rules_of(parts: Parts, namespace: str, kind: str, name: str) -> list[Mapping[str, Any]] | None:
    """What a role allows; None for one that isn't there."""
    key = Key(CLUSTER_ROLES.plural, "", name) if kind == CLUSTER_ROLES.kind else Key(ROLES.plural, namespace, name)
    found = followed(parts).get(key)
    return None if found is None else list(found.get("rules") or ())


def _permissions(rule: Mapping[str, Any]) -> Iterator[May]:
    """One by one. Names narrow a rule, and here they don't: who grants it must hold it for all."""
    sets = (rule.get("verbs") or (), rule.get("apiGroups") or (), rule.get("resources") or ())
    for verb, group, resource in product(*sets):
        yield May("", verb, resource, group, HERE, namespace="{namespace}")
