"""Whether somebody holds what he gives away: the check against escalation, as Kubernetes has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

from libs.shared.errors import Invalid
from services.gateway.domain.attributes import Attributes, resource_keys
from services.gateway.domain.caller import Caller
from services.gateway.domain.decision import places, require_believed, roles_at
from services.gateway.domain.index import Index
from services.gateway.domain.rules import ANY, Role, Rule

MAX_COMBINATIONS = 20_000


def holds(index: Index, caller: Caller, rules: Sequence[Rule], at: Attributes) -> bool:
    """Whether the caller's own rules cover all of these where `at` lies (its scope and place count, nothing else), so
    that he gives away nothing that he lacks: the rules count that would count for a request there. Native policies do
    not. Raises `Invalid` when the rules say more than can be looked at, `Busy` while what lies there isn't believed.
    """
    roles = tuple(roles_at(index, caller, places(index, at)))
    if all(_covered(roles, rule) for rule in rules):
        return True
    require_believed(index, at.scope)
    return False


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
