"""Answers to a route's questions, and to those that a service asks on a caller's behalf."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from libs.shared.errors import Invalid
from libs.shared.http.route import May, Mine, Question
from services.gateway.domain.attributes import Attributes, Scope, resource_keys
from services.gateway.domain.caller import Caller
from services.gateway.domain.decision import allowed
from services.gateway.domain.index import Index

PLACES: Mapping[str, str] = {"workspaces": "workspace", "namespaces": "namespace"}

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
    return [name for name in names if kind != "workspace" or index.belongs(caller, name)]


def answers(
    index: Index, caller: Caller, questions: Iterable[Question], parameters: Mapping[str, str]
) -> dict[str, Answer]:
    """The answers to a route's questions, by their names."""
    return {q.name: _answer(index, caller, q, parameters) for q in questions}


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
