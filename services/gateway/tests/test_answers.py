"""Answers to questions and reviews, and the check that nobody gives away what he lacks."""

from __future__ import annotations

import pytest

from libs.shared.errors import Invalid
from libs.shared.http.route import May, Mine
from services.gateway.domain.attributes import Attributes, Scope
from services.gateway.domain.bindings import workspace_place
from services.gateway.domain.holding import holds
from services.gateway.domain.rules import Rule
from services.gateway.queries.answers import answers, may, mine
from services.gateway.tests.seeds import caller, index

ROLES = May("roles", "list", "workspaceroles", "iam.kubesphere.io", "Workspace", "{workspace}")
DELETE = May("delete", "delete", "workspacetemplates", "tenant.kubesphere.io")


def test_answers_a_routes_questions_by_name() -> None:
    """May is a bool with the route's own parameters filled in, Mine a sorted list."""
    found = answers(index(), caller("adm"), (ROLES, DELETE, Mine("mine", "workspaces")), {"workspace": "a"})
    assert found == {"roles": True, "delete": False, "mine": ["a"]}
    assert answers(index(), caller("adm"), (ROLES,), {"workspace": "b"}) == {"roles": False}
    assert mine(index(), caller("admin"), "workspaces") == ["a", "b"]
    assert mine(index(), caller("out"), "workspaces") == []


def test_a_binding_to_a_role_that_is_gone_binds_nobody() -> None:
    """Who is bound to it is no member, for questions as for decisions."""
    known = index()
    assert mine(known, caller("adm"), "workspaces") == ["a"]
    for held in known.bindings.of(caller("adm").subjects):
        for key in held.get(workspace_place("a"), {}).values():
            known.drop_role(key)
    assert mine(known, caller("adm"), "workspaces") == []
    assert not known.belongs(caller("adm"), "a")


def test_the_policy_counts_in_a_question_about_a_name() -> None:
    """Whether somebody may read this account is yes for himself."""
    question = May("get", "get", "users", "iam.kubesphere.io")
    assert may(index(), caller("out"), question, {}, "out")
    assert not may(index(), caller("out"), question, {}, "adm")


@pytest.mark.parametrize("question", [Mine("m", "clusters"), May("m", "get", "x", scope="Galaxy")])
def test_refuses_what_cannot_be_asked(question: May | Mine) -> None:
    """An unknown scope or kind of place names what is accepted."""
    with pytest.raises(Invalid):
        answers(index(), caller("out"), (question,), {})


READ_ALL = Rule.of(("get", "list", "watch"), ("*",), ("*",))
HELD = [
    ("adm", "a", Rule.of(("*",), ("*",), ("*",)), True),
    ("adm", "b", READ_ALL, False),
    ("adm", "", READ_ALL, False),
    ("view", "a", READ_ALL, True),
    ("view", "a", Rule.of(("get", "delete"), ("",), ("pods",)), False),
    ("view", "a", Rule.of(("get",), ("apps",), ("deployments/scale",), ("x",)), True),
    ("view", "a", Rule.of(("*",), ("",), ("pods",)), False),
    ("self", "a", Rule.of(("get",), ("",), ("pods",)), True),
    ("self", "a", Rule.of(("get",), ("",), ("pods/log",)), False),
    ("self", "a", Rule.of(("get",), ("",), ("*",)), False),
    ("self", "a", Rule.of(("get",), ("",), ("*/log",)), False),
    ("admin", "b", Rule.of(("*",), ("*",), ("*",)), True),
    ("admin", "", Rule.of(("*",), urls=("*",)), True),
    ("adm", "a", Rule.of(("GET",), urls=("/version",)), False),
    ("out", "", Rule.of(("get",), ("iam.kubesphere.io",), ("users",), ("out",)), False),
]


@pytest.mark.parametrize(("who", "workspace", "rule", "held"), HELD)
def test_holding_means_covering_every_combination(who: str, workspace: str, rule: Rule, held: bool) -> None:
    """A wildcard is held only by a wildcard; another workspace's roles and the native policy do not count."""
    at = Attributes("", "", workspace=workspace, scope=Scope.WORKSPACE if workspace else Scope.GLOBAL)
    assert holds(index(), caller(who), (rule,), at) is held


def test_refuses_rules_that_combine_without_end() -> None:
    """A rule of many lists is refused before its product is walked through."""
    many = tuple(f"x{i}" for i in range(200))
    with pytest.raises(Invalid):
        holds(index(), caller("admin"), (Rule.of(many, many, many),), Attributes("", "", scope=Scope.GLOBAL))
