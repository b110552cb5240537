"""Label and field selectors against Kubernetes' texts and against naive models."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.shared.errors import Malformed, TooLarge
from libs.shared.objects import fields, names, selectors
from libs.shared.objects.selectors import Operator, Requirement, Selector

UNREAD = "unable to parse requirement: "
KEYS = st.sampled_from(["app", "env", "in", "notin", "example.com/tier", "a.b-c_d"])
VALUES = st.sampled_from(["", "web", "prod", "in", "1", "22", "-x-"[1:2]])
LABELS = st.dictionaries(KEYS, VALUES, max_size=5)


@st.composite
def requirements(draw) -> Requirement:
    key = draw(KEYS)
    operator = draw(st.sampled_from(list(Operator)))
    if operator in (Operator.EXISTS, Operator.DOES_NOT_EXIST):
        return Requirement(key, operator)
    if operator in (Operator.GREATER, Operator.LESS):
        return Requirement(key, operator, (str(draw(st.integers(0, 10**12))),))
    if operator in (Operator.IN, Operator.NOT_IN):
        return Requirement(key, operator, tuple(sorted(draw(st.sets(VALUES, min_size=1)))))
    return Requirement(key, operator, (draw(VALUES),))


SELECTORS = st.lists(requirements(), max_size=4).map(
    lambda found: Selector(tuple(sorted(found, key=lambda requirement: requirement.key))),
)


@given(SELECTORS)
def test_a_selector_survives_print_and_parse(selector):
    """What is printed parses to an equal selector."""
    assert selectors.parse(str(selector)) == selector


def bound(requirement: Requirement) -> int:
    """What a comparison compares with; 0 for operators that don't."""
    number = requirement.values[0] if requirement.values else ""
    return int(number) if requirement.operator in (Operator.GREATER, Operator.LESS) else 0


def naive(requirement: Requirement, labels: dict[str, str]) -> bool:
    has, value = requirement.key in labels, labels.get(requirement.key, "")
    return {
        Operator.EXISTS: has,
        Operator.DOES_NOT_EXIST: not has,
        Operator.IN: has and value in requirement.values,
        Operator.NOT_IN: not has or value not in requirement.values,
        Operator.EQUALS: has and [value] == list(requirement.values),
        Operator.DOUBLE_EQUALS: has and [value] == list(requirement.values),
        Operator.NOT_EQUALS: not has or [value] != list(requirement.values),
        Operator.GREATER: value.isdigit() and int(value) > bound(requirement),
        Operator.LESS: value.isdigit() and int(value) < bound(requirement),
    }[requirement.operator]


@given(SELECTORS, LABELS)
def test_matching_agrees_with_a_naive_model(selector, labels):
    """A selector matches exactly when each requirement, spelled out, holds."""
    assert selector.matches(labels) is all(naive(requirement, labels) for requirement in selector.requirements)


@given(st.text(alphabet="ab=!(),<> in\t/.-_", max_size=24))
def test_any_text_parses_or_is_malformed(text):
    """No text makes the parser fail in another way, or loop; what parses prints and parses again."""
    with suppress(Malformed):
        selector = selectors.parse(text)
        assert selectors.parse(str(selector)) == selector


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("", ""),
        ("  ", ""),
        ("a=b", "a=b"),
        ("a==b", "a==b"),
        ("a!=b", "a!=b"),
        ("a=", "a="),
        ("b=,a", "a,b="),
        ("!a", "!a"),
        ("! a , b", "!a,b"),
        ("x in (c,b , a)", "x in (a,b,c)"),
        ("x notin ()", "x notin ()"),
        ("x in (,)", "x in ()"),
        ("x in (a,,b)", "x in (,a,b)"),
        ("in in (in,notin)", "in in (in,notin)"),
        ("x>1,w<20", "w<20,x>1"),
        ("a.io/b!=c-d,!a.io/a", "!a.io/a,a.io/b!=c-d"),
    ],
)
def test_grammar(text, means):
    """Each form of the grammar is read as Kubernetes reads it, and printed in the order of the keys."""
    assert str(selectors.parse(text)) == means


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("!!!", UNREAD + "found '!', expected: identifier"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a b", UNREAD + "found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("a in b", UNREAD + "found 'b' expected: '('"),
        ("a in (b", UNREAD + "found '', expected: ',' or ')'"),
        ("a in (b c)", UNREAD + "found 'c', expected: ',' or ')'"),
        ("a in (b,=", UNREAD + "found '=', expected: ',', or identifier"),
        ("a in (=", UNREAD + "found '=', expected: ',', ')' or identifier"),
        ("a=(", UNREAD + "found '(', expected: identifier"),
        ("a>b", f"{UNREAD}values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer"),
        ("a=b@", f'{UNREAD}values[0][a]: Invalid value: "b@": {names.label_value("b@")[0]}'),
        ("a@=b", f'{UNREAD}<nil>: Invalid value: "a@": {names.qualified("a@")[0]}'),
    ],
)
def test_refusals_are_in_kubernetes_words(text, error):
    """A selector that does not parse is refused with the text that an API server gives."""
    with pytest.raises(Malformed) as caught:
        selectors.parse(text)
    assert caught.value.text == error


@pytest.mark.parametrize("parse", [selectors.parse, fields.parse])
def test_a_selector_is_bounded(parse):
    """A selector past the bound is refused unread."""
    with pytest.raises(TooLarge):
        parse("a," * 20_000)


TERMS = st.builds(
    fields.Term,
    st.sampled_from(["metadata.name", "metadata.namespace", "spec.email"]),
    st.text(alphabet="ab\\,=!.", max_size=6),
    st.booleans(),
)


@given(st.lists(TERMS, max_size=4))
def test_a_field_selector_survives_print_and_parse(terms):
    """Values with commas, equals signs and backslashes are escaped and come back."""
    selector = fields.FieldSelector(tuple(sorted(terms, key=lambda term: (term.field, term.value, term.negated))))
    assert fields.parse(str(selector)) == selector


@given(st.lists(TERMS, max_size=4), st.dictionaries(st.sampled_from(["metadata.name", "spec.email"]), st.text("ab=")))
def test_field_matching_agrees_with_a_naive_model(terms, values):
    """Every term holds, a missing field counting as empty."""
    expected = all((values.get(term.field, "") == term.value) != term.negated for term in terms)
    assert fields.FieldSelector(tuple(terms)).matches(values) is expected


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        ("a=\\x", "invalid field selector: invalid escape sequence: \\x"),
        ("a=\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_field_refusals(text, error):
    """A field selector that does not parse is refused with the text that an API server gives."""
    with pytest.raises(Malformed) as caught:
        fields.parse(text)
    assert caught.value.text == error


def test_fields_of_objects():
    """Fields are read by dotted path; flags and numbers compare as JSON text; only declared fields are taken."""
    thing = {"metadata": {"name": "bob"}, "spec": {"on": True, "count": 3, "list": [1]}}
    assert fields.parse("metadata.name=bob,spec.on=true,spec.count==3,spec.list=,spec.none!=x").meets(thing)
    assert not fields.parse("metadata.name!=bob").meets(thing)
    assert fields.parse("metadata.name=bob").exact("metadata.name") == "bob"
    with pytest.raises(Malformed, match=r"^field label not supported: spec\.on$"):
        fields.parse("spec.on=true").only({"metadata.name"})
