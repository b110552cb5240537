"""Named metrics: levels, and the expression of each metric with its selectors filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from libs.shared.errors import Invalid
from services.monitoring.domain.regex import compiled

MACRO = re.compile(r"<([A-Z0-9]+)>")
PLACE = re.compile(r"@([123])")
IDENTIFIERS: Mapping[str, str] = {
    "node": "node",
    "workspace": "workspace",
    "namespace": "namespace",
    "workload": "workload",
    "pod": "pod",
    "container": "container",
    "pvc": "persistentvolumeclaim",
    "ingress": "ingress",
}
"""Level -> the label that names its resources; others aren't sorted."""
METERED: Mapping[str, tuple[str, ...]] = {
    level: tuple(f"meter_{level}_{x}" for x in names)
    for level, names in {
        "cluster": ("cpu_usage", "memory_usage", "net_bytes_transmitted", "net_bytes_received", "pvc_bytes_total"),
        "node": (
            "cpu_usage",
            "memory_usage_wo_cache",
            "net_bytes_transmitted",
            "net_bytes_received",
            "pvc_bytes_total",
        ),
        "workspace": ("cpu_usage", "memory_usage", "net_bytes_transmitted", "net_bytes_received", "pvc_bytes_total"),
        "namespace": (
            "cpu_usage",
            "memory_usage_wo_cache",
            "net_bytes_transmitted",
            "net_bytes_received",
            "pvc_bytes_total",
        ),
        "workload": ("cpu_usage", "memory_usage_wo_cache", "net_bytes_transmitted", "net_bytes_received"),
        "pod": ("cpu_usage", "memory_usage_wo_cache", "net_bytes_transmitted", "net_bytes_received"),
    }.items()
}
"""Names that stand beside a level's own where nothing is hit (spec 1.2); none of them is answered here."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Level -> metric -> expression, macros written out."""

    levels: Mapping[str, Mapping[str, str]]

    def named(self, level: str, wanted: str) -> dict[str, str]:
        """Metrics of the level that an unanchored expression finds; none when it is no expression."""
        metrics = self.levels.get(level, {})
        try:
            pattern = compiled(wanted or ".*")
        except Invalid:
            return {}
        return {name: expression for name, expression in metrics.items() if pattern.search(name)}

    def missed(self, level: str) -> list[str]:
        """All names of a level, as an answer without a hit lists them."""
        return sorted([*self.levels.get(level, {}), *METERED.get(level, ())])


def spelled(text: str, macros: Mapping[str, str]) -> str:
    """An expression with its macros written out, those in macros as well."""
    while MACRO.search(text):
        text = MACRO.sub(lambda found: macros[found[1]], text)
    return text


def catalogue(data: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Catalogue:
    """From the seed's JSON."""
    macros: Mapping[str, str] = data["macros"]  # type: ignore[assignment]  # one level less deep than the levels
    levels = {
        level: {name: spelled(text, macros) for name, text in metrics.items()}
        for level, metrics in data["levels"].items()
    }
    return Catalogue(levels)


def filled(expression: str, first: str, second: str = "", third: str = "") -> str:
    """Selectors in their places; an empty one takes its comma with it."""
    values = {"1": first, "2": second, "3": third}
    text = PLACE.sub(lambda found: values[found[1]], expression)
    return re.sub(r",\s*(,|\})", r"\1", re.sub(r"\{\s*,", "{", text))


def quoted(value: str) -> str:
    """A PromQL string that says exactly this, whatever it is: no filter ends its quotes."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def exactly(name: str, value: str) -> str:
    """`name="value"`."""
    return f"{name}={quoted(value)}"


def like(name: str, expression: str) -> str:
    """`name=~"expression"`; empty means any."""
    return f"{name}=~{quoted(expression or '.*')}"


def either(values: Sequence[str]) -> str:
    """An expression that these values match, and nothing else."""
    return "|".join(re.escape(value) for value in values)
