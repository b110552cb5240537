"""Reviews in protobuf: read as they are meant, and refused when they are torn."""

from __future__ import annotations

import pytest

from libs.shared.errors import Malformed
from services.gateway.shapes import protobuf


def field(number: int, *parts: bytes | str) -> bytes:
    """A field with a length."""
    raw = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return bytes([number << 3 | 2, len(raw)]) + raw


def body(kind: str, *spec: bytes) -> bytes:
    """A whole body, as a client sends it."""
    version = "authorization.k8s.io/v1"
    return (
        b"k8s\x00"
        + field(1, field(1, version), field(2, kind))
        + field(2, field(1), field(2, *spec), field(3, b"\x08\x00"))
    )


ASKED = field(1, field(1, "p1"), field(2, "create"), field(3, "apps"), field(5, "deployments"), field(9, b"\x12\x00"))


def test_reads_what_kubectl_asks() -> None:
    """A resource, a path, a namespace's rules; fields that aren't known are passed over."""
    spec = {"namespace": "p1", "verb": "create", "group": "apps", "resource": "deployments"}
    kind = "SelfSubjectAccessReview"
    said = {"apiVersion": "authorization.k8s.io/v1", "kind": kind}
    assert protobuf.read(body(kind, ASKED)) == {**said, "spec": {"resourceAttributes": spec}}
    path = field(2, field(1, "/readyz"), field(2, "get"))
    assert protobuf.read(body(kind, path))["spec"] == {"nonResourceAttributes": {"path": "/readyz", "verb": "get"}}
    assert protobuf.read(body("SelfSubjectRulesReview", field(1, "p1")))["spec"] == {"namespace": "p1"}
    numbered = field(1, b"\x40\xff\x01", b"\x49" + bytes(8), b"\x55" + bytes(4), field(1, "p1"))
    assert protobuf.read(body(kind, numbered))["spec"]["resourceAttributes"] == {"namespace": "p1"}


@pytest.mark.parametrize("length", range(1, len(body("SelfSubjectAccessReview", ASKED))))
def test_what_is_torn_is_refused_or_less(length: int) -> None:
    """Cut anywhere: refused, never read as something longer, never an error of ours."""
    try:
        found = protobuf.read(body("SelfSubjectAccessReview", ASKED)[:length])
    except Malformed:
        return
    assert "spec" not in found


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"k8s\x00\xff" * 9, b"k8s\x00\x0b", b"k8s\x00" + field(1, field(1, b"\xff"))]
)
def test_what_is_none_is_refused(raw: bytes) -> None:
    """JSON under the wrong name, endless numbers, groups, texts that are none."""
    with pytest.raises(Malformed):
        protobuf.read(raw)
