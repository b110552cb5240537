"""Paths: one canonical form, or a refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.shared.errors import Malformed
from services.gateway.domain.attributes import read_attributes
from services.gateway.domain.path import read_path

CONFUSING = [
    "/kapis/iam.kubesphere.io/v1alpha2//users",
    "//kapis/version",
    "/kapis/version//",
    "/kapis/../apis/iam.kubesphere.io/v1alpha2/users",
    "/kapis/./version",
    "/kapis/%2e%2e/apis/x/v1/users",
    "/kapis/%2E/version",
    "/oauth/..%2fapis/iam.kubesphere.io/v1alpha2/users",
    "/oauth/%2e%2e%2fkapis/iam.kubesphere.io/v1alpha2/users",
    "/oauth/%2fusers",
    "/kapis/version\\..\\users",
    "/kapis/version%5c..%5cusers",
    "/kapis/version%00",
    "/kapis/version%0d%0aX-Y:%20z",
    "/kapis/%c0%ae%c0%ae/version",
    "/kapis/%ff/version",
    "/kapis/%zz/version",
    "/kapis/version%",
    "/kapis/version#/oauth/token",
    "http://other/kapis/version",
    "*",
    "/" + "/".join("a" * 65),
]
HIDDEN = [
    "/kapis/iam.kubesphere.io/v1alpha2/users%2fbob",
    "/kapis/iam.kubesphere.io/v1alpha2/users/me%2Fglobalroles",
    "/kapis%2fiam.kubesphere.io/v1alpha2/users",
    "/kapis/iam.kubesphere.io/v1alpha2/workspaces/ws1%2fx/workspacemembers",
    "/api/v1/namespaces/a%2fb/pods",
    "/kapis/iam.kubesphere.io/v1alpha2/users;x=1/bob",
    "/kapis/iam.kubesphere.io/v1alpha2/users/bob;x",
    "/oauth/token;x",
    "/kapis;x/version",
]


@pytest.mark.parametrize("raw", CONFUSING)
def test_refuses_paths_that_can_be_read_in_two_ways(raw: str) -> None:
    """Empty and dot segments (encoded too), control characters, backslashes, bad escapes and bad UTF-8 are refused."""
    with pytest.raises(Malformed):
        read_path(raw)


@pytest.mark.parametrize("raw", HIDDEN)
def test_refuses_hidden_separators_where_they_decide(raw: str) -> None:
    """An encoded slash or a semicolon in a segment that is decided by is refused."""
    with pytest.raises(Malformed):
        read_attributes("GET", read_path(raw), "")


def test_passes_an_encoded_slash_behind_what_decides() -> None:
    """A branch called `feature/one` lies behind the subresource, and is forwarded as it came."""
    raw = "/kapis/devops.kubesphere.io/v1alpha3/devops/d1/pipelines/p1/branches/feature%2Fone/runs"
    path = read_path(raw)
    found = read_attributes("GET", path, "")
    assert (found.devops, found.resource, found.name, found.subresource) == ("d1", "pipelines", "p1", "branches")
    assert path.wire == raw


@pytest.mark.parametrize(
    ("raw", "wire"),
    [
        ("/", "/"),
        ("/kapis/version/", "/kapis/version"),
        ("/kapis/%76ersion", "/kapis/version"),
        ("/kapis/x/v1/things/a%20b", "/kapis/x/v1/things/a%20b"),
        ("/kapis/x/v1/things/%e4%bd%a0", "/kapis/x/v1/things/%E4%BD%A0"),
        ("/kapis/x/v1/things/a+b", "/kapis/x/v1/things/a+b"),
        ("/api/v1/namespaces/n/services/x:80/proxy", "/api/v1/namespaces/n/services/x:80/proxy"),
    ],
)
def test_forwards_the_canonical_form(raw: str, wire: str) -> None:
    """What is forwarded is made from the decoded segments, in one encoding, without a trailing slash."""
    assert read_path(raw).wire == wire


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=8))
def test_canonical_form_is_stable(segments: list[str]) -> None:
    """Reading the canonical form again gives the same segments, whatever they hold; so both ends decide alike."""
    try:
        raw = "/" + "/".join("".join(f"%{byte:02x}" for byte in segment.encode()) for segment in segments)
        path = read_path(raw)
    except (Malformed, UnicodeEncodeError):
        return
    again = read_path(path.wire)
    assert again == path
    assert again.segments == tuple(segments)
