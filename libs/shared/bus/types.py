"""Which event types a listener wants: full types, or a prefix with `*` at its end."""

from __future__ import annotations

from collections.abc import Sequence

from libs.shared.errors import Invalid


class Types:
    """A set of event types that remembers its answers: asked once a message and listener. Empty for beats alone."""

    __slots__ = ("_known", "exact", "patterns", "prefixes")

    def __init__(self, patterns: Sequence[str]) -> None:
        if any("*" in pattern[:-1] or not pattern for pattern in patterns):
            raise Invalid("event-types", f"{list(patterns)} are no event types: full names, `*` at the end at most")
        self.patterns = tuple(sorted(set(patterns)))
        self.exact = frozenset(p for p in self.patterns if not p.endswith("*"))
        self.prefixes = tuple(p[:-1] for p in self.patterns if p.endswith("*"))
        self._known: dict[str, bool] = {}

    def has(self, name: str) -> bool:
        """Whether a message of this type is wanted; `""`, the type of what can't be read, always is."""
        answer = self._known.get(name)
        if answer is None:
            answer = not name or name in self.exact or name.startswith(self.prefixes)
            if len(self._known) < _REMEMBERED:
                self._known[name] = answer
        return answer


_REMEMBERED = 4096
