"""Namespaces and workspaces: since when they are, so that nobody reads of former ones by that name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.logging.domain.wanted import AllOf, AnyOf, Since, Term, Wish

NONE = ""
"""The namespace, or workspace, of what belongs to none."""


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace: `since` is the moment of its creation in milliseconds."""

    name: str
    workspace: str
    since: int


@dataclass(frozen=True, slots=True)
class Names:
    """Which namespaces and workspaces are asked for: by exact names, and by parts of names. None is no filter."""

    namespaces: Sequence[str] | None = None
    namespace_parts: Sequence[str] | None = None
    workspaces: Sequence[str] | None = None
    workspace_parts: Sequence[str] | None = None

    @property
    def any(self) -> bool:
        """Whether there is a filter at all."""
        given = (self.namespaces, self.namespace_parts, self.workspaces, self.workspace_parts)
        return any(one is not None for one in given)

    def fits(self, space: Space) -> bool:
        """Whether a namespace is asked for; one without a workspace never is where workspaces are."""
        return _named(space.name, self.namespaces, self.namespace_parts) and self.fits_workspace(space.workspace)

    def fits_workspace(self, workspace: str) -> bool:
        """Whether a workspace is asked for."""
        if self.workspaces is None and self.workspace_parts is None:
            return True
        return bool(workspace) and _named(workspace, self.workspaces, self.workspace_parts)


def _named(name: str, exact: Sequence[str] | None, parts: Sequence[str] | None) -> bool:
    return (exact is None or name in exact) and (parts is None or any(part in name for part in parts))


def own(spaces: Iterable[Space], namespaces: Iterable[str], workspaces: Iterable[str]) -> list[Space]:
    """Those that somebody is bound in, himself or through the workspace: candidates, before he is asked for more."""
    bound, within = frozenset(namespaces), frozenset(workspaces)
    return [space for space in spaces if space.name in bound or (space.workspace and space.workspace in within)]


def within(spaces: Sequence[Space]) -> list[Wish]:
    """Of each of these namespaces what came since its creation."""
    return [AllOf((Term("namespace", (space.name,)), Since(space.since))) for space in spaces]


def within_workspaces(since: Mapping[str, int]) -> list[Wish]:
    """Of each of these workspaces what came since its creation."""
    return [AllOf((Term("workspace", (name,)), Since(at))) for name, at in sorted(since.items())]


def beyond(wishes: Sequence[Wish], *, cluster: bool) -> Wish:
    """One of these; with `cluster` also what belongs to no namespace."""
    return AnyOf((*wishes, Term("namespace", (NONE,)))) if cluster else AnyOf(tuple(wishes))
