"""The effective settings as text, each with where it came from: what `--check` prints."""

from __future__ import annotations

from libs.shared.config.reader import DEFAULT, Effective


def report(effective: Effective) -> str:
    """Aligned lines `NAME  value  source`; secrets are hidden, what was given stands out by its source."""
    rows = [(o.name, o.shown or "(none)", "" if o.source == DEFAULT else o.source) for o in effective.origins]
    first = max(len(name) for name, _, _ in rows)
    second = max(len(shown) for _, shown, _ in rows)
    return "\n".join(f"{name:<{first}}  {shown:<{second}}  {source}".rstrip() for name, shown, source in rows)
