"""What is said of alerts: the subject and body of a letter, the JSON of a webhook, the text of a chat message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from services.notification.domain.signal import Signal
from services.notification.domain.texts import clean, cleaned_text

LONGEST_LINE: Final = 1000
LONGEST_CHAT: Final = 3500
HIDDEN: Final = frozenset({"rule_id"})
"""A label that says nothing to people."""
MESSAGE: Final = ("message", "summary", "summaryCn", "description")
"""The annotation that says it best, the first that is there."""


def subject(signals: Sequence[Signal], common: Mapping[str, str]) -> str:
    """One printable line, whatever the labels hold."""
    firing = sum(signal.firing for signal in signals)
    state = f"FIRING:{firing}" if firing else f"RESOLVED:{len(signals)}"
    what = clean(common.get("alertname", "alert"))
    where = clean(common.get("namespace", ""))
    severity = clean(next((s.labels["severity"] for s in signals if s.labels.get("severity")), ""))
    return " ".join(
        part for part in (f"[{state}]", severity and f"({severity})", what, where and f"in {where}") if part
    )


def body(signals: Sequence[Signal]) -> str:
    """A letter: each alert with its message, its labels and its times."""
    parts: list[str] = []
    for title, some in (("Firing", _of(signals, firing=True)), ("Resolved", _of(signals, firing=False))):
        if some:
            parts.append(f"{title}: {len(some)}\n")
            parts.extend(_one(signal) for signal in some)
    return "\n".join(parts)


def _one(signal: Signal) -> str:
    lines = [f"  {_line(signal.alert)}: {_line(message(signal))}".rstrip(": ")]
    lines += [f"    {name}: {_line(value)}" for name, value in shown(signal.labels) if name != "alertname"]
    lines += [f"    value: {_line(signal.value)}"] if signal.value else []
    lines.append(f"    since: {signal.starts_at}")
    if signal.ends_at:
        lines.append(f"    until: {signal.ends_at}")
    return "\n".join(lines) + "\n"


def message(signal: Signal) -> str:
    """What an alert's annotations say in a sentence."""
    return next((signal.annotations[name] for name in MESSAGE if signal.annotations.get(name)), "")


def shown(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Labels that say something to people, in order."""
    return sorted((name, value) for name, value in labels.items() if name not in HIDDEN)


def chat(signals: Sequence[Signal], common: Mapping[str, str]) -> str:
    """A message of bounded length for a chat; signs that chats take for links and mentions are only signs."""
    text = "\n".join(
        [subject(signals, common), *(f"{signal.status.value}: {_line(message(signal))}" for signal in signals)]
    )
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")[:LONGEST_CHAT]


def payload(signals: Sequence[Signal], common: Mapping[str, str]) -> dict[str, Any]:
    """The JSON that webhooks get (spec 6.7)."""
    return {
        "alerts": [
            {
                "id": signal.fingerprint,
                "status": signal.status.value,
                "labels": dict(signal.labels),
                "annotations": dict(signal.annotations),
                "startsAt": signal.starts_at,
                "endsAt": signal.ends_at or None,
            }
            for signal in signals
        ],
        "groupLabels": dict(common),
        "commonLabels": _shared(signal.labels for signal in signals),
        "commonAnnotations": _shared(signal.annotations for signal in signals),
    }


def _shared(several: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What all of them have."""
    found: dict[str, str] | None = None
    for one in several:
        found = dict(one) if found is None else {k: v for k, v in found.items() if one.get(k) == v}
    return found or {}


def _of(signals: Sequence[Signal], *, firing: bool) -> list[Signal]:
    return [signal for signal in signals if signal.firing is firing]


def _line(text: str) -> str:
    return cleaned_text(text, LONGEST_LINE)
