"""Who sees which apps: the store is everybody's, a workspace's own are its members', the rest is the platform's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.openpitrix.domain.app import App
from services.openpitrix.domain.repo import Repo
from services.openpitrix.domain.version import SHOWN, State, Version


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody sees. `known` is false for nobody in particular, who sees the store alone."""

    workspaces: frozenset[str] = frozenset()
    everything: bool = False
    known: bool = True

    def owns(self, workspace: str) -> bool:
        """Whether he sees what this workspace keeps to itself."""
        return self.everything or (bool(workspace) and workspace in self.workspaces)

    def sees_repo(self, repo: Repo) -> bool:
        """His workspace's, or everybody's."""
        return self.owns(repo.workspace) or (not repo.workspace and self.known)

    def sees(self, app: App) -> bool:
        """An app of the store that is active, of a repository that he sees, or of his workspace."""
        if self.owns(app.workspace):
            return True
        if app.origin:
            return app.state is State.ACTIVE
        return bool(app.repo) and not app.workspace and self.known

    def versions(self, app: App, found: Iterable[Version]) -> list[Version]:
        """Those of an app that he sees: of the store's copy what was released, of another's what is active."""
        states = SHOWN if app.origin and self.owns(app.workspace) else (State.ACTIVE,)
        if not app.origin and (self.owns(app.workspace) or app.repo):
            return list(found)
        return [one for one in found if one.state in states]
