"""JSON patch and merge patch: the RFCs' own examples, their laws as properties, and the bounds."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.shared.errors import Invalid, Malformed, TooLarge
from libs.shared.objects import pointers
from libs.shared.objects.patches import apply_patch, merge, read_patch

LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~", max_size=3)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~0", max_size=2), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text("ab/~0", max_size=2), JSON, max_size=4)


def patch(document, *operations):
    return apply_patch(document, read_patch(list(operations)))


@pytest.mark.parametrize(
    ("document", "operations", "result"),
    [
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
        ({"foo": ["a", "c"]}, [{"op": "add", "path": "/foo/1", "value": "b"}], {"foo": ["a", "b", "c"]}),
        ({"foo": ["a"]}, [{"op": "add", "path": "/foo/-", "value": ["b"]}], {"foo": ["a", ["b"]]}),
        ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
        ({"foo": ["a", "b", "c"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["a", "c"]}),
        ({"baz": "qux"}, [{"op": "replace", "path": "/baz", "value": None}], {"baz": None}),
        ({"foo": [1]}, [{"op": "replace", "path": "/foo/0", "value": 2}], {"foo": [2]}),
        (
            {"a": {"w": "f"}, "q": {"c": 1}},
            [{"op": "move", "from": "/a/w", "path": "/q/t"}],
            {"a": {}, "q": {"c": 1, "t": "f"}},
        ),
        ({"foo": [1, 2, 3]}, [{"op": "move", "from": "/foo/0", "path": "/foo/2"}], {"foo": [2, 3, 1]}),
        ({"a": [1]}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": [1], "b": [1]}),
        (
            {"a/b": 1, "m~n": 2},
            [{"op": "test", "path": "/a~1b", "value": 1}, {"op": "remove", "path": "/m~0n"}],
            {"a/b": 1},
        ),
        ({"": {"": 1}}, [{"op": "replace", "path": "//", "value": 2}], {"": {"": 2}}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": [1]}], [1]),
        ({"a": 1}, [{"op": "test", "path": "/a", "value": 1.0}], {"a": 1}),
    ],
)
def test_operations_that_apply(document, operations, result):
    """Each operation does what RFC 6902 says (appendix A; arrays, escapes, empty keys, the root)."""
    before = deepcopy(document)
    assert patch(document, *operations) == result
    assert document == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/none"},
        {"op": "replace", "path": "/none", "value": 1},
        {"op": "add", "path": "/none/x", "value": 1},
        {"op": "add", "path": "/text/x", "value": 1},
        {"op": "add", "path": "/list/3", "value": 1},
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "/list/x", "value": 1},
        {"op": "remove", "path": "/list/-1"},
        {"op": "remove", "path": "/list/-"},
        {"op": "replace", "path": "/list/2", "value": 1},
        {"op": "test", "path": "/flag", "value": 1},
        {"op": "test", "path": "/none", "value": None},
        {"op": "copy", "from": "/none", "path": "/x"},
        {"op": "move", "from": "/object", "path": "/object/inner/x"},
    ],
)
def test_operations_that_do_not_apply(operation):
    """An operation that can't be done refuses the whole patch, and the document stays as it was."""
    document = {"text": "a", "list": [1, 2], "flag": True, "object": {"inner": {}}}
    before = deepcopy(document)
    with pytest.raises(Invalid) as caught:
        patch(document, {"op": "add", "path": "/first", "value": 1}, operation)
    assert not isinstance(caught.value, Malformed)
    assert document == before


@pytest.mark.parametrize(
    "raw",
    [
        {},
        "text",
        [1],
        [{}],
        [{"op": "ad", "path": "/a", "value": 1}],
        [{"op": "add", "value": 1}],
        [{"op": "add", "path": "/a"}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "add", "path": "/a~2", "value": 1}],
        [{"op": "copy", "path": "/a"}],
        [{"op": "move", "path": "/a", "from": 1}],
    ],
)
def test_patches_that_can_not_be_read(raw):
    """What is no JSON patch is malformed, which is another status than one that doesn't apply."""
    with pytest.raises(Malformed):
        read_patch(raw)


@given(OBJECTS, st.text("ab/~0", min_size=1, max_size=2), JSON)
def test_add_then_test_then_remove_is_nothing(document, key, value):
    """For a new key: add, test for what was added, remove gives the document back."""
    if key in document:
        document = {name: item for name, item in document.items() if name != key}
    path = pointers.pointer((key,))
    done = patch(
        document,
        {"op": "add", "path": path, "value": value},
        {"op": "test", "path": path, "value": value},
        {"op": "remove", "path": path},
    )
    assert pointers.same(done, document)


@given(OBJECTS, st.lists(st.text("ab/~01", max_size=3), max_size=4))
def test_pointers_round_trip(document, path):
    """Steps survive being written as a pointer and read again."""
    assert pointers.steps(pointers.pointer(tuple(path))) == tuple(path)


@given(OBJECTS, OBJECTS)
def test_merge_is_idempotent_and_leaves_its_input_alone(document, change):
    """Merging the same patch twice is merging it once (RFC 7386); neither input is touched, and nothing is shared."""
    before, change_before = deepcopy(document), deepcopy(change)
    once = merge(document, change)
    assert pointers.same(merge(once, change), once)
    assert (document, change) == (before, change_before)


@given(OBJECTS)
def test_merge_of_nothing_changes_nothing(document):
    """The empty patch gives an equal document."""
    assert merge(document, {}) == document


@pytest.mark.parametrize(
    ("document", "change", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_examples(document, change, result):
    """The table of RFC 7386 appendix A."""
    assert merge(document, change) == result


def test_bounds():
    """Too many operations, doubling by copy, too deep a value and too long a pointer are refused, fast."""
    with pytest.raises(TooLarge):
        read_patch([{"op": "remove", "path": "/a"}] * 10_001)
    with pytest.raises(TooLarge):
        patch({"a": ["x" * 1000]}, *[{"op": "copy", "from": "/a", "path": "/a/-"}] * 40)
    deep: object = 1
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(TooLarge):
        read_patch([{"op": "add", "path": "/a", "value": deep}])
    with pytest.raises(TooLarge):
        merge({}, {"a": deep})
    with pytest.raises(TooLarge):
        read_patch([{"op": "remove", "path": "/a" * 65}])
