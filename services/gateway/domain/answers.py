"""Answers from the index: a route's questions, a service's reviews, and whether somebody holds what he gives away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from libs.shared.errors import Invalid
from libs.shared.http.route import May, Mine, Question
from services.gateway.domain.attributes import Attributes, Scope, resource_keys
from services.gateway.domain.bindings import GLOBAL, workspace_place
from services.gateway.domain.caller import Caller
from services.gateway.domain.decision import allowed, roles_at
from services.gateway.domain.index import Index
from services.gateway.domain.rules import ANY, Role, Rule

MAX_COMBINATIONS = 20_000
PLACES = {"workspaces": "workspace", "namespaces": "namespace"}

Answer = bool | list[str]


def may(index: Index, caller: Caller, asked: May, parameters: Mapping[str, str], name: str = "") -> bool:
    """Whether the caller may do this; `{workspace}` and the like are filled from the route's parameters."""
    return allowed(index, caller, _attributes(asked, parameters, name))


def mine(index: Index, caller: Caller, of: str) -> list[str]:
    """The workspaces or namespaces that the caller is bound in, sorted; raises `Invalid` for anything else."""
    kind = PLACES.get(of)
    if kind is None:
        raise Invalid("review-of", f"{of!r} is not known: ask for workspaces or namespaces")
    names = index.bindings.places(caller.subjects, kind)
    return [name for name in names if kind != "workspace" or name in index.workspaces]


def answers(
    index: Index, caller: Caller, questions: Iterable[Question], parameters: Mapping[str, str]
) -> dict[str, Answer]:
    """The answers to a route's questions, by their names."""
    return {q.name: _answer(index, caller, q, parameters) for q in questions}


def holds(index: Index, caller: Caller, rules: Sequence[Rule], workspace: str) -> bool:
    """Whether the caller's own rules cover all of these, so that he gives away nothing that he lacks.

    Global rules count everywhere, those of a workspace in it. Native policies do not count. Raises `Invalid` when the
    rules say more than can be looked at.
    """
    where = (GLOBAL, workspace_place(workspace)) if workspace in index.workspaces else (GLOBAL,)
    roles = tuple(roles_at(index, caller, where))
    return all(_covered(roles, rule) for rule in rules)


def _answer(index: Index, caller: Caller, asked: Question, parameters: Mapping[str, str]) -> Answer:
    if isinstance(asked, Mine):
        return mine(index, caller, asked.of)
    return may(index, caller, asked, parameters)


def _attributes(asked: May, parameters: Mapping[str, str], name: str) -> Attributes:
    resource, _, subresource = asked.resource.partition("/")
    return Attributes(
        verb=asked.verb,
        path="",
        group=asked.group,
        workspace=_filled(asked.workspace, parameters),
        namespace=_filled(asked.namespace, parameters),
        resource=resource,
        name=name,
        subresource=subresource,
        scope=scope_of(asked.scope),
        resource_request=True,
        keys=resource_keys(resource, subresource),
    )


def scope_of(text: str) -> Scope:
    """The scope of this name; raises `Invalid`."""
    try:
        return Scope(text)
    except ValueError:
        accepted = ", ".join(scope.value for scope in Scope if scope)
        raise Invalid("review-scope", f"{text!r} is no scope: accepted are {accepted}") from None


def _filled(template: str, parameters: Mapping[str, str]) -> str:
    for key, value in parameters.items():
        template = template.replace("{" + key + "}", value)
    return template


def _covered(roles: Sequence[Role], rule: Rule) -> bool:
    if rule.urls:
        return all(_covers_url(roles, verb, url) for verb, url in _combined(rule.verbs, rule.urls))
    names = rule.names or frozenset({""})
    wanted = _combined(rule.verbs, rule.groups, rule.resources, names)
    return all(_covers(roles, *combination) for combination in wanted)


def _combined(*sets: frozenset[str]) -> Iterable[tuple[str, ...]]:
    count = 1
    for found in sets:
        count *= len(found)
    if count > MAX_COMBINATIONS:
        raise Invalid("rules-large", f"a rule combines to {count} permissions: at most {MAX_COMBINATIONS} are accepted")
    return product(*sets)


def _covers(roles: Sequence[Role], verb: str, group: str, resource: str, name: str) -> bool:
    main, _, sub = resource.partition("/")
    keys = (resource, ANY) if main == ANY else resource_keys(main, sub)
    return any(
        rule.covers(verb, group, name) for role in roles for key in keys for rule in role.by_resource.get(key, ())
    )


def _covers_url(roles: Sequence[Role], verb: str, url: str) -> bool:
    """A URL that ends in `*` is covered by an equal or shorter prefix, which is what matching it as text says."""
    return any(rule.allows_verb(verb) and rule.covers_path(url) for role in roles for rule in role.by_path)
