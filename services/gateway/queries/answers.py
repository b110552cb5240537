"""Answers to a route's questions, and to those that a service asks on a caller's behalf."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from libs.shared.errors import Invalid
from libs.shared.http.route import May, Mine, Question, Where
from services.gateway.domain.attributes import Attributes, Scope, resource_keys
from services.gateway.domain.bindings import devops_place, namespace_place
from services.gateway.domain.caller import Caller
from services.gateway.domain.decision import allowed, require_believed
from services.gateway.domain.index import Index
from services.gateway.domain.shelf import CLUSTER, DEVOPS

AREAS: Mapping[str, tuple[Scope, str, str]] = {
    "namespaces": (Scope.NAMESPACE, "namespaces", ""),
    "devopsprojects": (Scope.DEVOPS, "devopsprojects", "devops.kubesphere.io"),
}
"""What of -> where it lies, and what who sees all of a workspace's may list there."""

Answer = bool | list[str]


def may(index: Index, caller: Caller, asked: May, parameters: Mapping[str, str], name: str = "") -> bool:
    """Whether the caller may do this; `{workspace}` and the like are filled from the route's parameters."""
    return allowed(index, caller, _attributes(asked, parameters, name))


def mine(index: Index, caller: Caller, of: str) -> list[str]:
    """The workspaces that the caller is bound in; or the namespaces (devopsprojects) where he is bound, and all of
    those workspaces that he is bound in and may list them of (iam-gateway 8.2). Sorted. Raises `Invalid` for anything
    else, `Busy` while what tells of such places isn't believed.
    """
    bindings = index.bindings.places(caller.subjects, "workspace")
    workspaces = [name for name in bindings if index.belongs(caller, name)]
    if of == "workspaces":
        return workspaces
    if of not in AREAS:
        accepted = ", ".join(("workspaces", *AREAS))
        raise Invalid("review-of", f"{of!r} is not known: ask for one of {accepted}")
    scope, resource, group = AREAS[of]
    require_believed(index, scope)
    areas = index.namespaces if scope is Scope.NAMESPACE else index.devops
    source, place = (CLUSTER, namespace_place) if scope is Scope.NAMESPACE else (DEVOPS, devops_place)
    bound = index.shelves[source].bindings
    whole = {
        name
        for name in workspaces
        if allowed(index, caller, _attributes(May("", "list", resource, group, "Workspace", name), {}, ""))
    }
    return sorted(
        name
        for name, area in areas.items()
        if area.workspace in whole or bound.binds(caller.subjects, place(area.home))
    )


def where(index: Index, caller: Caller, asked: Where) -> bool | list[str]:
    """True where the caller may do this in the whole cluster; else the namespaces in which his roles there, or in their
    workspaces, allow it. Sorted. Looks at the places that he is bound in, not at all there are. Raises `Busy` while
    what tells of namespaces isn't believed.
    """
    require_believed(index, Scope.NAMESPACE)
    told = (asked.verb, asked.resource, asked.group)
    if may(index, caller, May("", *told, "Cluster"), {}):
        return True
    bound = index.bindings.places(caller.subjects, "workspace")
    whole = {name for name in bound if may(index, caller, May("", *told, "Workspace", name), {})}
    known = index.shelves[CLUSTER].bindings.places(caller.subjects, "namespace")
    own = {name for name in known if may(index, caller, May("", *told, "Namespace", "", name), {})}
    return sorted(name for name, area in index.namespaces.items() if name in own or area.workspace in whole)


def answers(
    index: Index, caller: Caller, questions: Iterable[Question], parameters: Mapping[str, str]
) -> dict[str, Answer]:
    """The answers to a route's questions, by their names."""
    return {q.name: _answer(index, caller, q, parameters) for q in questions}


def _answer(index: Index, caller: Caller, asked: Question, parameters: Mapping[str, str]) -> Answer:
    if isinstance(asked, Mine):
        return mine(index, caller, asked.of)
    if isinstance(asked, Where):
        return where(index, caller, asked)
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
