"""JSON read strictly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.shared.errors import Malformed
from libs.shared.objects.documents import read_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(JSON)
def test_what_json_writes_is_read(value):
    """Every value comes back as it was written, escaped or not."""
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_malformed(raw):
    """No bytes make the reader fail in another way."""
    try:
        value = read_json(raw)
    except Malformed:
        return
    assert read_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no JSON"),
        (b'{"password": "s3cret", oops}', "no JSON in UTF-8 at character 23"),
        (b'{"a": 1, "a": 2}', 'json: duplicate field "a"'),
        (b'[{"b": {"a": 1, "\\u0061": 2}}]', 'json: duplicate field "a"'),
        (b'"\xff"', "no JSON in UTF-8"),
        (b'"\\ud800"', "no JSON in UTF-8"),
        (b"\xef\xbb\xbf{}", "no JSON in UTF-8"),
        (b"[NaN]", "no JSON in UTF-8"),
        (b"[1e999]", "no JSON in UTF-8"),
        (b"[" * 66 + b"]" * 66, "nested at most 64 levels"),
        (b"[" * 65536, "no JSON in UTF-8"),
        (b"1" * 5000, "no JSON in UTF-8"),
    ],
)
def test_refusals(raw, said):
    """Each is refused with a sentence that never repeats what was sent, which may hold a secret."""
    with pytest.raises(Malformed) as refused:
        read_json(raw)
    assert said in refused.value.text
    assert "s3cret" not in refused.value.text
