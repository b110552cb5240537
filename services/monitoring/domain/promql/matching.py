"""Binary operators between vectors: which series meet, and the labels of what comes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from libs.shared.errors import Invalid
from services.monitoring.domain.arrays import Bools, Ints, np
from services.monitoring.domain.labels import NAME, Labels, changed, only, unnamed, without
from services.monitoring.domain.promql.frames import Vector, empty, merged, pruned
from services.monitoring.domain.promql.nodes import Binary, Matching
from services.monitoring.domain.promql.operators import ARITHMETIC, applied

Signature = Callable[[Labels], Labels]
SEVERAL = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
GROUPED = "multiple matches for labels: grouping labels must ensure unique matches"


def signature(matching: Matching) -> Signature:
    """The labels that two series have to share."""
    if matching.on:
        return lambda labels: only(labels, matching.labels)
    gone = (*matching.labels, NAME)
    return lambda labels: without(labels, gone)


def combined(node: Binary, left: Vector, right: Vector) -> Vector:
    """`and`, `or`, `unless`."""
    sign = signature(node.matching)
    there = _anywhere(right, sign)
    if node.op != "or":
        size = left.values.shape[1]
        blank = np.zeros(size, dtype=bool)
        mask = np.array([there.get(sign(labels), blank) for labels in left.labels], dtype=bool).reshape(-1, size)
        kept = left.present & (mask if node.op == "and" else ~mask)
        return pruned(Vector(left.labels, left.values, kept, left.ordered))
    here = _anywhere(left, sign)
    added = right.present.copy()
    for row, labels in enumerate(right.labels):
        mine = here.get(sign(labels))
        if mine is not None:
            added[row] &= ~mine
    both = Vector(
        left.labels + right.labels,
        np.concatenate([left.values, right.values]),
        np.concatenate([left.present, added]),
    )
    return merged(pruned(both))


def _anywhere(vector: Vector, sign: Signature) -> dict[Labels, Bools]:
    """Signature -> when any of its series is present."""
    found: dict[Labels, Bools] = {}
    for labels, present in zip(vector.labels, vector.present, strict=True):
        key = sign(labels)
        found[key] = found[key] | present if key in found else present
    return found


def joined(node: Binary, left: Vector, right: Vector) -> Vector:
    """Arithmetic and comparison between series that meet; raises `Invalid` where it isn't clear which do."""
    matching, size = node.matching, left.values.shape[1]
    swap = matching.many == "right"
    many, one = (right, left) if swap else (left, right)
    sign = signature(matching)
    singles = _by_signature(one, sign, "right" if not swap else "left")
    pairs = [(i, j) for i, labels in enumerate(many.labels) for j in singles.get(sign(labels), ())]
    if not pairs:
        return empty(size)
    i, j = (np.array(side) for side in zip(*pairs, strict=True))
    together = many.present[i] & one.present[j]
    if matching.many == "none":
        _refuse_several([sign(labels) for labels in many.labels], i, together)
    a, b = many.values[i], one.values[j]
    values, kept = applied(node.op, b if swap else a, a if swap else b, truth=node.truth)
    present = together if kept is None else together & kept
    named = [_result(node, many.labels[x], one.labels[y]) for x, y in pairs]
    rows = pruned(Vector(named, values, present))
    return merged(rows, GROUPED if matching.many != "none" else SEVERAL)


def _by_signature(vector: Vector, sign: Signature, side: str) -> dict[Labels, list[int]]:
    """Rows of the side that may have one series a signature at a moment."""
    found: dict[Labels, list[int]] = defaultdict(list)
    for row, labels in enumerate(vector.labels):
        found[sign(labels)].append(row)
    for key, rows in found.items():
        if len(rows) > 1 and (vector.present[rows].sum(axis=0) > 1).any():
            group = "{" + ", ".join(f'{name}="{value}"' for name, value in key) + "}"
            text = (
                f"found duplicate series for the match group {group} on the {side} hand-side of the operation: "
                "many-to-many matching not allowed: matching labels must be unique on one side"
            )
            raise Invalid("query-many-to-many", text)
    return found


def _refuse_several(signs: list[Labels], rows: Ints, together: Bools) -> None:
    """One-to-one: at no moment may two series of the left meet the same of the right."""
    counts: dict[Labels, Ints] = {}
    for row, present in zip(rows.tolist(), together, strict=True):
        key = signs[row]
        total = present.astype(np.int64) + counts.get(key, 0)
        if (total > 1).any():
            raise Invalid("query-many-to-one", SEVERAL)
        counts[key] = total


def _result(node: Binary, many: Labels, one: Labels) -> Labels:
    """The labels of two series that met (Prometheus' resultMetric)."""
    matching = node.matching
    labels = unnamed(many) if node.op in ARITHMETIC or node.truth else many
    if matching.many == "none":
        return only(labels, matching.labels) if matching.on else without(labels, matching.labels)
    if not matching.include:
        return labels
    theirs = dict(one)
    return changed(labels, {name: theirs.get(name, "") for name in matching.include})
