"""Whether somebody holds what he gives away: the check against escalation, as Kubernetes has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

from libs.shared.errors import Invalid
from services.gateway.domain.attributes import resource_keys
from services.gateway.domain.bindings import GLOBAL, workspace_place
from services.gateway.domain.caller import Caller
from services.gateway.domain.decision import roles_at
from services.gateway.domain.index import Index
from services.gateway.domain.rules import ANY, Role, Rule

MAX_COMBINATIONS = 20_000


def holds(index: Index, caller: Caller, rules: Sequence[Rule], workspace: str) -> bool:
    """Whether the caller's own rules cover all of these, so that he gives away nothing that he lacks.

    Global rules count everywhere, those of a workspace in it. Native policies do not count. Raises `Invalid` when the
    rules say more than can be looked at.
    """
    where = (GLOBAL, workspace_place(workspace)) if workspace in index.workspaces else (GLOBAL,)
    roles = tuple(roles_at(index, caller, where))
    return all(_covered(roles, rule) for rule in rules)


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
