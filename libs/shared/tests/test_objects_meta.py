"""Names and metadata, in Kubernetes' words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.shared.objects import meta, names

BAD_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start"
    " and end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def test_a_bad_name_is_refused_in_kubernetes_words():
    """The sentence for a name that is no RFC 1123 subdomain is Kubernetes' to the letter."""
    (reason,) = names.subdomain("Bad_ann")
    assert reason == BAD_SUBDOMAIN


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (
            names.subdomain,
            ["a", "a.b", "a-1.b-2", "0", "x" * 253],
            ["", "A", "a..b", "-a", "a-", "a\n", "é", "x" * 254],
        ),
        (names.label, ["a", "a-b", "1a"], ["", "a.b", "a_b", "x" * 64, "a\n"]),
        (names.label_1035, ["a", "a-1"], ["1a", "a-", "", "a.b"]),
        (names.label_value, ["", "a", "A_b.c-1"], ["-a", "a/b", "a b", "x" * 64, "a\n"]),
        (names.qualified, ["a", "A.b_c", "example.com/Name"], ["", "/a", "a/", "A/b", "a/b/c", "x" * 64, "a b"]),
    ],
)
def test_names(rule, good, bad):
    """Each rule takes what Kubernetes takes and gives a reason for what it refuses."""
    assert [name for name in good if rule(name)] == []
    assert [name for name in bad if not rule(name)] == []


def test_a_dotted_label_is_told_so():
    """A namespace with dots is told about the dots, not about the whole alphabet."""
    assert names.label("a.b") == ("must not contain dots",)
    assert names.qualified("a/b/c")[0].endswith("and '/' (e.g. 'example.com/MyName')")


def test_metadata_leaves_out_what_is_empty():
    """Only what is there is written; times are whole seconds in UTC, the revision is text."""
    made = meta.metadata(
        "bob",
        uid="u",
        revision=7,
        created=datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=timezone(timedelta(hours=2))),
        labels=("b=", "a=1=2"),
    )
    assert made == {
        "name": "bob",
        "uid": "u",
        "resourceVersion": "7",
        "creationTimestamp": "2026-01-02T01:04:05Z",
        "labels": {"b": "", "a": "1=2"},
    }


@given(st.dictionaries(st.text("abc./-"), st.text("abc=")))
def test_labels_survive_being_stored(labels):
    """Labels as `k=v` texts come back as they were: a key has no equals sign."""
    assert meta.labels_of(meta.pairs_of(labels)) == labels


@given(st.datetimes(datetime(1970, 1, 2), datetime(9000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_times_survive_in_whole_seconds(at):
    """A time written is the same time read, to the second."""
    assert meta.moment(meta.instant(at)) == at.replace(microsecond=0)
    assert meta.moment("yesterday") is None
    assert meta.moment("2026-13-01T00:00:00Z") is None


def test_generated_names():
    """A generated name keeps to its alphabet and to 63 letters, however long the prefix."""
    assert meta.generated_name("run-", bytes(range(5))) == "run-bcdfg"
    assert len(meta.generated_name("x" * 100, b"\xff" * 5)) == 63
    assert set(meta.generated_name("", bytes(range(250, 255)))) <= set(meta.GENERATED_ALPHABET)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"name": 5}, "metadata.name"),
        ({"name": "A"}, "metadata.name"),
        ({"labels": []}, "metadata.labels"),
        ({"labels": {"a": 1}}, "metadata.labels"),
        ({"labels": {"a b": "1"}}, "metadata.labels"),
        ({"labels": {"a": "b c"}}, "metadata.labels"),
        ({"annotations": {"a": None}}, "metadata.annotations"),
        ({"annotations": {"": "x"}}, "metadata.annotations"),
        ({"annotations": {"a": "x" * (256 << 10)}}, "metadata.annotations"),
        ({"finalizers": "x"}, "metadata.finalizers"),
        ({"ownerReferences": ["x"]}, "metadata.ownerReferences"),
    ],
)
def test_metadata_that_is_refused(sent, field):
    """Each wrong field is named."""
    assert {flaw.field for flaw in meta.check(sent)} == {field}


def test_metadata_that_is_fine():
    """What Kubernetes takes is taken, upper case in an annotation's prefix included."""
    assert (
        meta.check({"name": "a", "labels": None, "annotations": {"IAM.io/x": "any\ntext"}, "finalizers": ["a"]}) == ()
    )
