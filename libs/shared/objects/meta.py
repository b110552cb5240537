"""`metadata` of an object: made from a document's flat fields, and checked as a client sent it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from libs.shared.errors import Flaw
from libs.shared.objects import names

ANNOTATIONS_SIZE = 256 << 10
"""Bytes of all annotations of one object, keys and values: Kubernetes' bound."""
GENERATED_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels, nor what looks alike, so that a generated name can't say anything."""
NOISE = 5
"""Letters, and bytes of noise, in a generated name's suffix."""

_LONGEST_GENERATED = 63 - NOISE
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def metadata(
    name: str,
    *,
    namespace: str = "",
    generate_name: str = "",
    uid: str = "",
    revision: int = 0,
    generation: int = 0,
    created: datetime | None = None,
    deleted: datetime | None = None,
    labels: Mapping[str, str] | Iterable[str] = (),
    annotations: Mapping[str, str] | None = None,
    finalizers: Iterable[str] = (),
    owners: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """ObjectMeta as the wire has it: what is empty is left out. `labels` may be `k=v` texts, as stores index them."""
    whole = {
        "name": name,
        "generateName": generate_name,
        "namespace": namespace,
        "uid": uid,
        "resourceVersion": str(revision) if revision else "",
        "generation": generation,
        "creationTimestamp": instant(created) if created else "",
        "deletionTimestamp": instant(deleted) if deleted else "",
        "labels": dict(labels) if isinstance(labels, Mapping) else labels_of(labels),
        "annotations": dict(annotations or {}),
        "ownerReferences": [dict(owner) for owner in owners],
        "finalizers": list(finalizers),
    }
    return {key: value for key, value in whole.items() if value}


def labels_of(pairs: Iterable[str]) -> dict[str, str]:
    """Labels out of `k=v` texts."""
    found = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        found[key] = value
    return found


def pairs_of(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Labels as `k=v` texts, sorted: the form that a store can index."""
    return tuple(sorted(f"{key}={value}" for key, value in labels.items()))


def instant(at: datetime) -> str:
    """RFC 3339 in whole seconds and UTC: metav1.Time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime | None:
    """The time that an RFC 3339 text means, or None where it is none."""
    if not _RFC3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def generated_name(prefix: str, noise: bytes) -> str:
    """A name of this prefix with a suffix out of `NOISE` random bytes; a long prefix is cut, as Kubernetes does."""
    suffix = "".join(GENERATED_ALPHABET[byte % len(GENERATED_ALPHABET)] for byte in noise[:NOISE])
    return prefix[:_LONGEST_GENERATED] + suffix


def check(
    meta: Mapping[str, Any],
    *,
    name_rule: Callable[[str], tuple[str, ...]] = names.subdomain,
) -> tuple[Flaw, ...]:
    """What is wrong with `metadata` as a client sent it: name, labels, annotations, finalizers, and their types."""
    texts = ("name", "generateName", "namespace", "uid", "resourceVersion")
    flaws = [_mistyped(field, "text") for field in texts if not isinstance(meta.get(field) or "", str)]
    name = meta.get("name")
    if isinstance(name, str) and name:
        flaws += [Flaw("metadata.name", reason, name) for reason in name_rule(name)]
    flaws += _check_labels(meta.get("labels"))
    flaws += _check_annotations(meta.get("annotations"))
    flaws += _check_list(meta.get("finalizers"), "finalizers", str, "a list of texts")
    flaws += _check_list(meta.get("ownerReferences"), "ownerReferences", dict, "a list of objects")
    return tuple(flaws)


def _check_labels(labels: Any) -> list[Flaw]:
    if not _texts(labels):
        return [_mistyped("labels", "an object of texts")]
    flaws = []
    for key, value in (labels or {}).items():
        flaws += [Flaw("metadata.labels", reason, key) for reason in names.qualified(key)]
        flaws += [Flaw("metadata.labels", reason, value) for reason in names.label_value(value)]
    return flaws


def _check_annotations(annotations: Any) -> list[Flaw]:
    if not _texts(annotations):
        return [_mistyped("annotations", "an object of texts")]
    flaws = []
    size = 0
    for key, value in (annotations or {}).items():
        size += len(key.encode(errors="replace")) + len(value.encode(errors="replace"))
        flaws += [Flaw("metadata.annotations", reason, key) for reason in names.qualified(key.lower())]
    if size > ANNOTATIONS_SIZE:
        flaws.append(Flaw("metadata.annotations", f"Too long: may not be more than {ANNOTATIONS_SIZE} bytes"))
    return flaws


def _check_list(found: Any, field: str, member: type, wanted: str) -> list[Flaw]:
    fine = found is None or (isinstance(found, list) and all(isinstance(item, member) for item in found))
    return [] if fine else [_mistyped(field, wanted)]


def _texts(found: Any) -> bool:
    return found is None or (isinstance(found, Mapping) and all(isinstance(value, str) for value in found.values()))


def _mistyped(field: str, wanted: str) -> Flaw:
    return Flaw(f"metadata.{field}", f"must be {wanted}")
