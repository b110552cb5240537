"""One fact about an object, and its labels as a series."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from services.monitoring.domain.labels import NAME, Labels

State = tuple[str, dict[str, str], float]
"""Name, labels, value."""
JOB = "kube-state-metrics"
QUANTITY = re.compile(r"([+-]?[0-9.]+)([eE][+-]?[0-9]+)?(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE])?")
FACTORS: Mapping[str, Decimal] = {
    "": Decimal(1),
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    **{unit: Decimal(1000) ** -power for power, unit in enumerate(("m", "u", "n"), 1)},
}


def labels_of_state(state: State) -> Labels:
    """Sorted, with the job that stands for whoever told it."""
    name, labels, _ = state
    found = {key: value for key, value in labels.items() if value}
    return tuple(sorted({**found, NAME: name, "job": JOB}.items()))


def quantity(text: object) -> float:
    """Kubernetes' quantity as a number; 0 for what is none."""
    found = QUANTITY.fullmatch(str(text))
    if found is None:
        return 0.0
    try:
        return float(Decimal(found[1] + (found[2] or "")) * FACTORS[found[3] or ""])
    except InvalidOperation:
        return 0.0


def label_name(text: str) -> str:
    """A Kubernetes label as a label of a series."""
    return "label_" + re.sub(r"[^a-zA-Z0-9_]", "_", text)
